// How a live picture keeps to the newest: what to do with the playhead, and what to throw away. No clock, no element.

/** Behind this, one jumps: nobody watches what was two seconds ago and calls it live. */
export const LAG_MAX_S = 2;
/** What is kept behind the playhead. */
export const KEPT_S = 30;
/** Thrown away in pieces, not picture by picture. */
const KEPT_SLACK_S = 10;
const CUSHION_MIN_S = 0.2;
const CUSHION_MAX_S = 1.5;
/** A decoder keeps some pictures to itself before it gives one: fewer than these in front of it, and it stumbles. */
const CUSHION_PICTURES = 5;
/** Ten a second, until it is known. */
const SPACING_S = 0.1;
/** After a jump there is so much less than the cushion to wait for, and no more. */
const FASTER = 1.08;
const SLOWER = 0.95;

/**
 * How far behind the newest picture one plays: little where pictures come evenly, more after each time that they did not.
 * An hour without a stall is not needed to come back: each second takes a little of it away.
 */
export class Cushion {
    #spacing = SPACING_S;
    #more = 0;

    get seconds(): number {
        const least = Math.max(CUSHION_MIN_S, this.#spacing * CUSHION_PICTURES);
        return Math.min(CUSHION_MAX_S, least + this.#more);
    }

    /** A picture came so long after the one before. */
    came(seconds: number): void {
        // An outage says nothing about how far pictures are apart.
        if (seconds < 1) this.#spacing += (seconds - this.#spacing) * 0.05;
    }

    /** There was nothing left to show. */
    stalled(): void {
        this.#more = Math.min(CUSHION_MAX_S, this.#more + 0.2);
    }

    /** So long it went well. */
    wentWell(seconds: number): void {
        this.#more = Math.max(0, this.#more - 0.01 * seconds);
    }
}

export interface Playhead {
    /** Where it is. */
    at: number;
    /** What can be played around it: where the newest stretch of pictures begins and ends. */
    start: number;
    end: number;
    rate: number;
}

export interface Move {
    /** Where to jump to, or not at all. */
    to: number | null;
    rate: number;
}

/** What the playhead does next. */
export function keepUp({ at, start, end, rate }: Playhead, cushion: number): Move {
    const goal = Math.max(start, end - cushion);
    // It stands before what there is, or too far behind it.
    if (at < start || end - at > LAG_MAX_S + cushion) return { to: goal, rate: 1 };
    // Past the end: what was appended last is older than what was shown. Wait there.
    if (at > end) return { to: null, rate: 1 };
    const lag = end - at;
    if (lag > cushion + 0.35) return { to: null, rate: FASTER };
    if (lag < cushion * 0.4) return { to: null, rate: SLOWER };
    // Between: go on as one does until the cushion is met.
    if (rate > 1 && lag > cushion + 0.05) return { to: null, rate };
    if (rate < 1 && lag < cushion * 0.9) return { to: null, rate };
    return { to: null, rate: 1 };
}

/** Up to where what was played is thrown away; `null` while that is not worth it. */
export function staleUntil(begin: number, at: number): number | null {
    return at - begin > KEPT_S + KEPT_SLACK_S ? at - KEPT_S : null;
}

/** How long to wait before asking again, the `nth` time (from 0); `chance` is 0..1, so that a hundred pictures do not ask at once. */
export function backOff(nth: number, chance: number): number {
    return Math.min(15_000, 500 * 2 ** Math.min(nth, 6)) * (0.75 + chance * 0.5);
}
