// What of a searched time nobody could have seen: an empty answer proves nothing there. Pure.

import { addDays, span, weekdayOf, DAYS, type Question, type StationClock } from "./question";

/** Milliseconds of 1970: from its first to the first behind it. */
export interface Stretch {
    from: number;
    to: number;
}

/** A gap or an interval of little analysis, as the server tells it. */
export interface Fault {
    camera: string;
    from: string;
    to: string;
    cause: string;
}

/**
 * What it means for a search: `blind`, nothing was seen or nothing of it is kept; `dim`, fewer pictures were analysed than wanted;
 * `unrecorded`, it was watched and would be found, but there is no film of it.
 */
export type Effect = "blind" | "dim" | "unrecorded";

const BLIND = new Set(["offline", "maintenance", "stopped", "missing", "deleted", "clock"]);

export function effectOfGap(cause: string): Effect {
    return BLIND.has(cause) ? "blind" : "unrecorded";
}

/** One camera: how long each effect held, and from what. */
export interface CameraCoverage {
    camera: string;
    blindMs: number;
    dimMs: number;
    unrecordedMs: number;
    /** Causes of what is blind or dim, longest first. */
    causes: { cause: string; effect: Effect; ms: number }[];
}

export interface Coverage {
    /** Time that was searched, of each camera. */
    searchedMs: number;
    cameras: CameraCoverage[];
    blindMs: number;
    dimMs: number;
    unrecordedMs: number;
}

/** More days than these are searched as one, whatever the times of day. */
const DAYS_MAX = 400;

/** The stretches of time that a question is about; open sides end at `first` and `now`. */
export function stretchesOf(question: Question, clock: StationClock, first: number, now: number): Stretch[] {
    const asked = span(question, clock);
    const from = asked.from ?? first;
    const to = Math.min(asked.to ?? now, now);
    if (from >= to) return [];
    const whole = [{ from, to }];
    if (question.time_of_day.length === 0 && question.day.length === 0) return whole;
    const stretches: Stretch[] = [];
    let date = clock.day(from);
    for (let nth = 0; nth < DAYS_MAX; nth++, date = addDays(date, 1)) {
        const begin = clock.at(date, "00:00").getTime();
        if (begin >= to) return merged(stretches);
        const end = clock.at(addDays(date, 1), "00:00").getTime();
        if (question.day.length > 0 && !question.day.includes(DAYS[weekdayOf(date)] ?? "")) continue;
        for (const [since, until] of timesWithin(question.time_of_day)) {
            const stretch = {
                from: Math.max(from, since === "" ? begin : clock.at(date, since).getTime()),
                to: Math.min(to, until === "" ? end : clock.at(date, until).getTime()),
            };
            if (stretch.from < stretch.to) stretches.push(stretch);
        }
    }
    return whole;
}

/** Times of one day: what goes over midnight is two of them. Empty stands for midnight. */
function timesWithin(times: readonly string[]): [string, string][] {
    if (times.length === 0) return [["", ""]];
    return times.flatMap((text): [string, string][] => {
        const [since = "", until = ""] = text.split("-");
        return since < until
            ? [[since, until]]
            : [
                  ["", until],
                  [since, ""],
              ];
    });
}

/** In order, and none over another. */
export function merged(stretches: readonly Stretch[]): Stretch[] {
    const out: Stretch[] = [];
    for (const { from, to } of [...stretches].sort((a, b) => a.from - b.from)) {
        const last = out.at(-1);
        if (last && from <= last.to) last.to = Math.max(last.to, to);
        else out.push({ from, to });
    }
    return out;
}

/** What of a stretch lies in these, milliseconds. */
export function within(from: number, to: number, stretches: readonly Stretch[]): number {
    let ms = 0;
    for (const stretch of stretches) ms += Math.max(0, Math.min(to, stretch.to) - Math.max(from, stretch.from));
    return ms;
}

/** Adds up what was missing of the searched time, camera by camera; those of which nothing was missing are left out. The worst comes first. */
export function coverageOf(
    cameras: readonly string[],
    stretches: readonly Stretch[],
    gaps: readonly Fault[],
    analysis: readonly (Fault & { what: "reduced" | "not-analysed" })[],
): Coverage {
    const asked = new Map<string, Map<string, { cause: string; effect: Effect; ms: number }>>(
        cameras.map((camera) => [camera, new Map()]),
    );
    const add = (fault: Fault, effect: Effect) => {
        const causes = asked.get(fault.camera);
        const ms = within(Date.parse(fault.from), Date.parse(fault.to), stretches);
        if (!causes || ms <= 0) return;
        const key = `${effect} ${fault.cause}`;
        const known = causes.get(key);
        if (known) known.ms += ms;
        else causes.set(key, { cause: fault.cause, effect, ms });
    };
    for (const gap of gaps) add(gap, effectOfGap(gap.cause));
    for (const interval of analysis) add(interval, interval.what === "reduced" ? "dim" : "blind");
    const searchedMs = stretches.reduce((sum, { from, to }) => sum + to - from, 0);
    const rows = [...asked].map(([camera, causes]): CameraCoverage => {
        const all = [...causes.values()].sort((a, b) => b.ms - a.ms);
        const sum = (effect: Effect) =>
            Math.min(
                searchedMs,
                all.reduce((ms, it) => ms + (it.effect === effect ? it.ms : 0), 0),
            );
        return {
            camera,
            blindMs: sum("blind"),
            dimMs: sum("dim"),
            unrecordedMs: sum("unrecorded"),
            causes: all,
        };
    });
    const total = (of: "blindMs" | "dimMs" | "unrecordedMs") => rows.reduce((ms, row) => ms + row[of], 0);
    return {
        searchedMs,
        cameras: rows
            .filter((row) => row.causes.length > 0)
            .sort((a, b) => b.blindMs - a.blindMs || b.dimMs - a.dimMs || b.unrecordedMs - a.unrecordedMs),
        blindMs: total("blindMs"),
        dimMs: total("dimMs"),
        unrecordedMs: total("unrecordedMs"),
    };
}
