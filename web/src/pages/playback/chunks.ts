// A time line is asked for in pieces of six hours: which ones, and how they come together.

import { joined, type Span, type Stretch } from "../../lib/player/line";
import type { Schemas } from "../../lib/api/client";
import type { Severity } from "../../lib/words";
import type { AlertMark } from "./drawn";
import { HOUR, type View } from "./scale";

export const CHUNK = 6 * HOUR;

export interface Passage extends Span {
    clip: string;
    class: string;
    direction: string | null;
}

export interface Analysis extends Span {
    what: "reduced" | "not-analysed";
    cause: string;
}

/** What is known of a camera, over all chunks that were read. */
export interface Known {
    line: Stretch[];
    alerts: AlertMark[];
    /** `null`: not to be seen without a purpose. */
    passages: Passage[] | null;
    analysis: Analysis[];
}

export const UNKNOWN: Known = { line: [], alerts: [], passages: null, analysis: [] };

/** Begins of the chunks that a view touches; none lies wholly ahead of `now`. */
export function chunksOf(view: View, now: number): number[] {
    const out: number[] = [];
    for (let at = Math.floor(view.from / CHUNK) * CHUNK; at < Math.min(view.to, now); at += CHUNK) out.push(at);
    return out;
}

type Timeline = Schemas["timeline"];

export function read(answer: Timeline): Known {
    const at = (text: string) => Date.parse(text);
    return {
        line: answer.stretches.map(({ from, to, what, cause }) => ({
            from: at(from),
            to: at(to),
            what,
            cause: cause as string | null,
        })),
        alerts: (answer.alerts ?? []).map(({ id, kind, severity, from }) => ({
            id,
            kind,
            severity: severity as Severity,
            from: at(from),
        })),
        passages:
            answer.passages?.map((passage) => ({ ...passage, from: at(passage.from), to: at(passage.to) })) ?? null,
        analysis: (answer.analysis ?? []).map(({ from, to, what, cause }) => ({
            from: at(from),
            to: at(to),
            what: what as Analysis["what"],
            cause,
        })),
    };
}

/** What reaches over an edge is in both chunks, and here once. */
export function together(chunks: Known[]): Known {
    const alerts = new Map(chunks.flatMap((chunk) => chunk.alerts.map((alert) => [alert.id, alert])));
    const passages = new Map(chunks.flatMap((chunk) => (chunk.passages ?? []).map((one) => [one.clip, one])));
    const analysis = new Map(chunks.flatMap((chunk) => chunk.analysis.map((one) => [`${one.from} ${one.what}`, one])));
    const byTime = (a: Span, b: Span) => a.from - b.from;
    return {
        line: joined(chunks.flatMap((chunk) => chunk.line)),
        alerts: [...alerts.values()].sort((a, b) => a.from - b.from),
        passages: chunks.some((chunk) => chunk.passages !== null) ? [...passages.values()].sort(byTime) : null,
        analysis: [...analysis.values()].sort(byTime),
    };
}
