// Up to four reels with one clock: they play in step, wait for each other, and go together over what none of them has.

import { isRecorded, nextRecorded, stretchAt } from "./line";
import { nextRate, Pace } from "./pace";
import type { Reel, ReelState } from "./reel";

/** Shorter gaps are not worth a word. */
const WORD_MS = 1500;
/** What is being recorded is played so far behind the present. */
const PRESENT_MS = 4000;
/** Nobody waits longer for one of several pictures that does not come. */
const WAITS_MAX_MS = 8000;

export interface Jumped {
    from: number;
    to: number;
    cause: string | null;
}

export interface DeckTold {
    /** Each tick. */
    moved: (at: number) => void;
    /** It went over a gap. */
    jumped: (jump: Jumped) => void;
    /** Nothing more was recorded: it stands. */
    ended: () => void;
}

export class Deck {
    readonly #pace: Pace;
    readonly #told: DeckTold;
    #reels: Reel[] = [];
    #waitsSince: number | null = null;
    #steps = false;

    constructor(at: number, told: DeckTold) {
        this.#pace = new Pace(at);
        this.#told = told;
    }

    get at(): number {
        return this.#pace.at;
    }

    get plays(): boolean {
        return this.#pace.plays;
    }

    get reels(): readonly Reel[] {
        return this.#reels;
    }

    add(reel: Reel): () => void {
        this.#reels.push(reel);
        return () => {
            this.#reels = this.#reels.filter((other) => other !== reel);
            reel.close();
        };
    }

    seek(at: number): void {
        this.#pace.at = at;
        this.#waitsSince = null;
        for (const reel of this.#reels) reel.retry();
        this.#told.moved(at);
    }

    play(): void {
        this.#pace.plays = true;
    }

    pause(): void {
        this.#pace.plays = false;
    }

    faster(by: 1 | -1): number {
        return (this.#pace.rate = nextRate(this.#pace.rate, by));
    }

    setRate(rate: number): void {
        this.#pace.rate = rate;
    }

    /** One picture on or back: of the first camera that has one here. */
    async step(by: 1 | -1): Promise<void> {
        this.pause();
        if (this.#steps) return;
        const reel = this.#reels.find((other) => other.stateAt(this.at).kind === "ready");
        if (!reel) return;
        this.#steps = true;
        try {
            const at = await reel.step(by);
            if (at !== null) this.seek(at);
        } finally {
            this.#steps = false;
        }
    }

    states(): ReelState[] {
        return this.#reels.map((reel) => reel.stateAt(this.at));
    }

    /** Each drawing of the page, or ten times a second where it is not drawn. `now` is Unix milliseconds. */
    tick(clock: number, now: number): void {
        if (this.#reels.length === 0 || this.#steps) return;
        if (this.#pace.plays) this.#overGaps(now);
        const waits = this.#waits(clock);
        const at = this.#pace.tick(clock, waits);
        for (const reel of this.#reels) reel.drive(at, this.#pace.plays && !waits, this.#pace.rate, now);
        this.#told.moved(at);
    }

    /** Whether one that has something here is not ready to show it. */
    #waits(clock: number): boolean {
        const waits = this.#reels.some((reel) => reel.stateAt(this.at).kind === "loading");
        if (!waits) {
            this.#waitsSince = null;
            return false;
        }
        this.#waitsSince ??= clock;
        const ready = this.#reels.some((reel) => reel.stateAt(this.at).kind === "ready");
        return !ready || clock - this.#waitsSince < WAITS_MAX_MS;
    }

    #overGaps(now: number): void {
        const at = this.at;
        if (at > now - 500) {
            // Nothing is recorded ahead of time.
            this.#pace.at = now - PRESENT_MS;
            return;
        }
        const states = this.#reels.map((reel) => reel.stateAt(at));
        if (!states.every((state) => state.kind === "gap")) return;
        const ways = this.#reels.map((reel) => nextRecorded(reel.line, at + 1)).filter((to) => to !== null);
        // A moment that turned out to be empty though the line has it: a second further.
        const to = ways.length ? Math.max(Math.min(...ways), at + (Math.min(...ways) <= at + 1 ? 1000 : 0)) : null;
        if (to === null || to > now) {
            this.pause();
            this.#told.ended();
            return;
        }
        const first = this.#reels[0];
        const stretch = first ? stretchAt(first.line, at) : null;
        const cause = isRecorded(stretch) ? "missing" : (stretch?.cause ?? null);
        if (to - at > WORD_MS) this.#told.jumped({ from: stretch?.from ?? at, to, cause });
        this.#pace.at = to;
    }
}
