// What an alert sounds like: a figure of tones for each severity, told apart by number and rhythm as well as by pitch.

import { rank, type Severity } from "../words";

export interface Tone {
    /** Seconds after the figure begins. */
    at: number;
    seconds: number;
    hertz: number;
    /** 0 to 1. */
    loud: number;
    wave: OscillatorType;
}

const tone = (at: number, seconds: number, hertz: number, loud: number, wave: OscillatorType): Tone => ({
    at,
    seconds,
    hertz,
    loud,
    wave,
});

const FIGURES: Record<Severity, Tone[]> = {
    info: [tone(0, 0.14, 587, 0.12, "sine")],
    warning: [tone(0, 0.14, 659, 0.2, "sine"), tone(0.18, 0.22, 880, 0.2, "sine")],
    major: [0, 0.2, 0.4].map((at) => tone(at, 0.15, 880, 0.26, "triangle")),
    critical: [0, 0.18, 0.36, 0.54, 0.72, 0.9].map((at, nth) => tone(at, 0.17, nth % 2 ? 740 : 988, 0.32, "square")),
};

export function figure(severity: Severity): Tone[] {
    return FIGURES[severity];
}

/** Seconds until it is quiet again. */
export function lengthOf(severity: Severity): number {
    return Math.max(...FIGURES[severity].map((one) => one.at + one.seconds));
}

/** Between two figures, in milliseconds: a storm is one alarm, not a hundred. */
export const PAUSE_MS = 1800;
/** What is critical is said again so often until somebody answers. */
export const REPEAT_MS = 4000;

/** Of what came in meanwhile, what is played: the worst. */
export function worstOf(waiting: Iterable<Severity>): Severity | null {
    let worst: Severity | null = null;
    for (const one of waiting) if (worst === null || rank(one) > rank(worst)) worst = one;
    return worst;
}

/**
 * What is to be played now, or null: what waits, once the pause is over; else what is critical and unanswered, when it
 * is due again.
 */
export function dueNow(
    now: number,
    last: number | null,
    waiting: readonly Severity[],
    criticalWaits: boolean,
): Severity | null {
    const since = last === null ? Infinity : now - last;
    if (since < PAUSE_MS) return null;
    const worst = worstOf(waiting);
    if (worst) return worst;
    return criticalWaits && since >= REPEAT_MS ? "critical" : null;
}
