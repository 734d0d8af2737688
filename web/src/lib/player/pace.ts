// One clock for all pictures that are played in step, and how each keeps to it. No element, no time of its own.

export const RATES = [0.25, 0.5, 1, 2, 4, 8, 16] as const;

/** Where one is in recorded time: Unix milliseconds, moving at `rate` while it plays and nothing is waited for. */
export class Pace {
    #at: number;
    #last: number | null = null;
    rate = 1;
    plays = false;

    constructor(at: number) {
        this.#at = at;
    }

    get at(): number {
        return this.#at;
    }

    set at(at: number) {
        this.#at = at;
    }

    /** `now` is any clock's, milliseconds; `waits`: a picture is not there yet. Returns where one is. */
    tick(now: number, waits: boolean): number {
        const passed = this.#last === null ? 0 : now - this.#last;
        this.#last = now;
        // A page that slept did not play.
        if (this.plays && !waits && passed > 0 && passed < 1000) this.#at += passed * this.rate;
        return this.#at;
    }
}

export interface Keeping {
    /** Where the clock is, in the element's time, seconds. */
    target: number;
    current: number;
    rate: number;
}

export interface Kept {
    /** To jump to, or not at all. */
    to: number | null;
    rate: number;
}

/** Two pictures at 25 a second are 80 ms: within this nobody sees a difference. */
const NEAR_S = 0.04;
/** Beyond it, it is made good by a jump. */
const FAR_S = 0.6;

/** How a picture that plays comes to where the clock is. */
export function keepPace({ target, current, rate }: Keeping): Kept {
    const behind = target - current;
    if (Math.abs(behind) > FAR_S * Math.max(1, rate)) return { to: target, rate };
    if (Math.abs(behind) <= NEAR_S * Math.max(1, rate)) return { to: null, rate };
    // Made good within a second or so, by a fifth of the speed at most.
    const correction = Math.min(0.2, Math.max(-0.2, behind / Math.max(1, rate)));
    // Browsers play 1/16 to 16 times.
    return { to: null, rate: Math.min(16, Math.max(0.0625, rate * (1 + correction))) };
}

/** The next speed, faster or slower. */
export function nextRate(rate: number, by: 1 | -1): number {
    const at = RATES.findIndex((known) => known >= rate);
    return RATES[Math.min(Math.max(0, (at < 0 ? RATES.length - 1 : at) + by), RATES.length - 1)] ?? 1;
}
