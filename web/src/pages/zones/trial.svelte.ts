// What the server says of what is drawn: problems, the diff, and what it would have raised over the last day. Asked a moment after the last
// change; what was asked before is given up.

import { api, ask, Refused, type Schemas } from "../../lib/api/client";

const AFTER_MS = 700;
/** The server does one trial at a time: one that was given up may still be going on. */
const BUSY_MS = 1500;
const BUSY_MAX = 6;
/** Hours that are looked back. */
export const SINCE_H = 24;

export class Trial {
    /** The last answer; it stays while the next one is awaited, so that nothing jumps. */
    answer = $state.raw<Schemas["zones_trial"] | null>(null);
    /** What the answer is about; compared by identity. */
    #about: unknown = null;
    busy = $state(false);
    failed = $state("");
    /** The file is not the one any more that the draft began from. */
    isStale = $state(false);
    #timer: ReturnType<typeof setTimeout> | undefined;
    #running: AbortController | null = null;

    constructor(private readonly camera: string) {}

    /** Asks soon. */
    about(draft: unknown, wanted: () => Schemas["zones_draft"]): void {
        this.stop();
        this.busy = true;
        this.#timer = setTimeout(() => void this.#ask(draft, wanted()), this.answer ? AFTER_MS : 0);
    }

    /** Gives up what was asked. */
    stop(): void {
        clearTimeout(this.#timer);
        this.#running?.abort();
        this.#running = null;
        this.busy = false;
    }

    /** The answer, where it is about exactly this. */
    of(draft: unknown): Schemas["zones_trial"] | null {
        return this.answer && this.#about === draft ? this.answer : null;
    }

    async #ask(draft: unknown, body: Schemas["zones_draft"], attempt = 1): Promise<void> {
        const running = new AbortController();
        this.#running = running;
        try {
            const answer = await ask(
                api.POST("/api/v1/cameras/{camera}/zones/try", {
                    params: { path: { camera: this.camera } },
                    body: { ...body, since_h: SINCE_H },
                    signal: running.signal,
                }),
            );
            if (running.signal.aborted) return;
            this.#about = draft;
            this.answer = answer;
            this.failed = "";
            this.isStale = false;
        } catch (why) {
            if (running.signal.aborted) return;
            if (why instanceof Refused && why.status === 503 && attempt < BUSY_MAX) {
                this.#timer = setTimeout(() => void this.#ask(draft, body, attempt + 1), BUSY_MS);
                return;
            }
            this.isStale = why instanceof Refused && why.status === 409;
            this.failed = why instanceof Refused || why instanceof Error ? why.message : String(why);
        }
        this.busy = false;
    }
}
