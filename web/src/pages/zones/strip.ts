// A day as a strip: what was raised then upwards, what would be raised now downwards, a bar for each part of it.

import type { Schemas } from "../../lib/api/client";

export type Moment = Schemas["zones_shadow"]["moments"][number];
export type Outcome = Moment["outcome"];

export interface Bar {
    /** Unix milliseconds. */
    from: number;
    to: number;
    both: number;
    onlyThen: number;
    onlyNow: number;
}

/** `count` bars of equal length; what lies outside is left out. */
export function barsOf(moments: readonly Moment[], from: number, to: number, count: number): Bar[] {
    const length = (to - from) / count;
    const bars = Array.from({ length: count }, (_, at) => ({
        from: from + at * length,
        to: from + (at + 1) * length,
        both: 0,
        onlyThen: 0,
        onlyNow: 0,
    }));
    for (const moment of moments) {
        const at = Date.parse(moment.at);
        if (!(at >= from && at <= to)) continue;
        const bar = bars[Math.min(count - 1, Math.floor((at - from) / length))];
        if (!bar) continue;
        if (moment.outcome === "both") bar.both++;
        else if (moment.outcome === "only-then") bar.onlyThen++;
        else bar.onlyNow++;
    }
    return bars;
}

/** The highest bar in either direction, 1 at least. */
export function highest(bars: readonly Bar[]): number {
    return Math.max(1, ...bars.map((bar) => bar.both + Math.max(bar.onlyThen, bar.onlyNow)));
}

/** Full hours of the clock between both ends, `every` hours apart, by the given clock. */
export function hourMarks(from: number, to: number, every: number, hourOf: (at: number) => number): number[] {
    const HOUR = 3_600_000;
    const QUARTER = HOUR / 4;
    const marks = [];
    // By quarters: there are zones that differ from others by half an hour and by a quarter of one.
    let last = -1;
    for (let at = Math.ceil(from / QUARTER) * QUARTER; at <= to; at += QUARTER) {
        const hour = hourOf(at);
        if (Number.isInteger(hour) && hour % every === 0 && hour !== last) marks.push(at);
        if (Number.isInteger(hour)) last = hour;
    }
    return marks;
}
