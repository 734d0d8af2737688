// What a camera recorded, along time: where there is something to see, where there is not and why, and where to go on. Times are Unix milliseconds.

export interface Span {
    from: number;
    to: number;
}

export interface Stretch extends Span {
    /** `open`: being recorded just now; it goes on beyond its end. */
    what: "recorded" | "open" | "gap";
    /** Of a gap. */
    cause: string | null;
}

/** In order, without what is said twice; neighbours that say the same are one. */
export function joined(stretches: Stretch[]): Stretch[] {
    const out: Stretch[] = [];
    for (const next of stretches.toSorted((a, b) => a.from - b.from)) {
        const last = out.at(-1);
        // What comes later was asked later, or is the same.
        const from = last ? Math.max(next.from, last.to) : next.from;
        if (from >= next.to) continue;
        if (last && last.what === next.what && last.cause === next.cause && from - last.to <= 1) last.to = next.to;
        else out.push({ ...next, from });
    }
    return out;
}

/** The stretch that holds the moment; `null` where nothing is known of it. */
export function stretchAt(line: Stretch[], at: number): Stretch | null {
    let low = 0;
    let high = line.length;
    while (low < high) {
        const middle = (low + high) >> 1;
        if ((line[middle]?.from ?? 0) <= at) low = middle + 1;
        else high = middle;
    }
    const found = line[low - 1];
    if (!found) return null;
    return at < found.to || (found.what === "open" && low === line.length) ? found : null;
}

export function isRecorded(stretch: Stretch | null): boolean {
    return stretch !== null && stretch.what !== "gap";
}

/** The first moment from `at` on at which something was recorded; `null` where there is none that we know of. */
export function nextRecorded(line: Stretch[], at: number): number | null {
    if (isRecorded(stretchAt(line, at))) return at;
    return line.find((stretch) => stretch.from > at && stretch.what !== "gap")?.from ?? null;
}

/** With one more, those that touch made one. */
export function withSpan(spans: Span[], span: Span): Span[] {
    if (span.to <= span.from) return spans;
    const apart = spans.filter((other) => other.to < span.from || other.from > span.to);
    const touching = spans.filter((other) => other.to >= span.from && other.from <= span.to);
    const one = {
        from: Math.min(span.from, ...touching.map((other) => other.from)),
        to: Math.max(span.to, ...touching.map((other) => other.to)),
    };
    return [...apart, one].sort((a, b) => a.from - b.from);
}

export function without(spans: Span[], gone: Span): Span[] {
    return spans.flatMap((span) =>
        [
            { from: span.from, to: Math.min(span.to, gone.from) },
            { from: Math.max(span.from, gone.to), to: span.to },
        ].filter(({ from, to }) => to > from),
    );
}

export function holds(spans: Span[], at: number): boolean {
    return spans.some(({ from, to }) => from <= at && at < to);
}

export interface Need {
    line: Stretch[];
    /** What was fetched already. */
    fetched: Span[];
    at: number;
    /** So far ahead of it one wants to be. */
    ahead_ms: number;
    /** A question asks for so much at most. */
    piece_ms: number;
    now: number;
}

/** What to ask for next; `null` where all that is wanted is there. */
export function nextPiece({ line, fetched, at, ahead_ms, piece_ms, now }: Need): Span | null {
    let from = at;
    // Each round steps over something that was fetched, or a gap; there are not more of them.
    for (let round = 0; round < fetched.length + line.length + 1; round++) {
        const had = fetched.find((span) => span.from <= from && from < span.to);
        if (had) {
            from = had.to;
            continue;
        }
        const next = nextRecorded(line, from);
        if (next === null) return null;
        if (next === from) break;
        from = next;
    }
    // A gap between is not waited for: what is behind it is fetched once one is near.
    if (from - at > ahead_ms || from >= now) return null;
    const had = fetched.find((span) => span.from > from);
    const to = Math.min(from + piece_ms, had?.from ?? Infinity, now);
    return to - from >= 1 ? { from, to } : null;
}
