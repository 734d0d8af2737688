// The time line's arithmetic: which part of time is seen, where a moment lies on it, where its ticks are. Unix milliseconds and pixels.

export interface View {
    from: number;
    to: number;
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const VIEW_MIN = MINUTE;
export const VIEW_MAX = DAY;

export function span(view: View): number {
    return view.to - view.from;
}

export function xOf(at: number, view: View, width: number): number {
    return ((at - view.from) / span(view)) * width;
}

export function timeAt(x: number, view: View, width: number): number {
    return view.from + (x / Math.max(1, width)) * span(view);
}

/** Closer (`factor` below 1) or further, while what lies at `anchor` stays there. */
export function zoomed(view: View, factor: number, anchor: number): View {
    const wide = Math.min(VIEW_MAX, Math.max(VIEW_MIN, span(view) * factor));
    const share = Math.min(1, Math.max(0, (anchor - view.from) / span(view)));
    const from = Math.round(anchor - share * wide);
    return { from, to: from + wide };
}

export function panned(view: View, by: number): View {
    return { from: view.from + by, to: view.to + by };
}

/** The same width, with `at` in the middle. */
export function centred(view: View, at: number): View {
    const half = span(view) / 2;
    return { from: at - half, to: at + half };
}

/** The same width, without much of what is yet to come. */
export function notAhead(view: View, now: number): View {
    const over = view.to - (now + span(view) * 0.05);
    return over > 0 ? panned(view, -over) : view;
}

/** While it plays the head stays in sight: a page further where it comes near the end, and where it is not seen at all. */
export function following(view: View, at: number): View {
    const share = (at - view.from) / span(view);
    if (share >= 0 && share <= 0.95) return view;
    // A jump elsewhere is looked at from its middle.
    if (share < -0.02 || share > 1.2) return centred(view, at);
    return panned(view, at - view.from - span(view) * 0.1);
}

/** What two fingers do: what lay under them before lies under them now. */
export function pinched(view: View, width: number, before: [number, number], now: [number, number]): View {
    const [a, b] = before.map((x) => timeAt(x, view, width)) as [number, number];
    const apart = now[1] - now[0];
    if (Math.abs(apart) < 8) return view;
    const wide = Math.min(VIEW_MAX, Math.max(VIEW_MIN, ((b - a) / apart) * width));
    const middle = (now[0] + now[1]) / 2;
    const from = (a + b) / 2 - (middle / width) * wide;
    return { from, to: from + wide };
}

const STEPS = [
    1000,
    2000,
    5000,
    10_000,
    15_000,
    30_000,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
];

export interface Tick {
    at: number;
    /** With a word beside it. */
    named: boolean;
    /** Seconds matter. */
    seconds: boolean;
}

/** Ticks at round times of the station's clock; `offset` is that clock minus UTC, milliseconds. */
export function ticks(view: View, width: number, offset: number, apart = 84): Tick[] {
    const least = (span(view) / Math.max(1, width)) * apart;
    const step = STEPS.find((known) => known >= least) ?? 6 * HOUR;
    // Small ones between, where there is room for them.
    const small = STEPS.findLast((known) => known < step && step % known === 0 && known >= least / 8) ?? step;
    const out: Tick[] = [];
    const first = Math.ceil((view.from + offset) / small) * small - offset;
    for (let at = first; at <= view.to; at += small)
        out.push({ at, named: (at + offset) % step === 0, seconds: step < MINUTE });
    return out;
}
