// What is known of the cameras' time, as it is read: each camera's chunks, read when they are looked at, the newest one anew while it is looked at.

import { api, ask } from "../../lib/api/client";
import { chunksOf, read, together, UNKNOWN, type Known } from "./chunks";
import type { View } from "./scale";

/** What is being recorded is read anew so often. */
const ANEW_MS = 10_000;

interface Chunk {
    known: Known | null;
    /** When it was read, Unix milliseconds; 0: being read, or to be read again. */
    readAt: number;
    reading: boolean;
    /** It reached to the present when it was read. */
    goesOn: boolean;
}

export class Lines {
    #chunks = new Map<string, Map<number, Chunk>>();
    /** By camera. */
    known = $state.raw<Record<string, Known>>({});
    /** The server's words where it could not be read. */
    trouble = $state("");

    of(camera: string): Known {
        return this.known[camera] ?? UNKNOWN;
    }

    /** Reads what of this view is not known yet, or not well enough any more. */
    look(cameras: string[], view: View, now: number): void {
        for (const camera of cameras) {
            for (const from of chunksOf(view, now)) {
                const to = from + 6 * 3_600_000;
                let chunks = this.#chunks.get(camera);
                if (!chunks) this.#chunks.set(camera, (chunks = new Map<number, Chunk>()));
                let chunk = chunks.get(from);
                if (!chunk) chunks.set(from, (chunk = { known: null, readAt: 0, reading: false, goesOn: true }));
                if (chunk.reading || (chunk.readAt > 0 && !(chunk.goesOn && now - chunk.readAt >= ANEW_MS))) continue;
                // After a failure, not at once again.
                if (chunk.readAt < 0 && now + chunk.readAt < ANEW_MS / 3) continue;
                void this.#read(camera, from, Math.min(to, now), to > now, chunk);
            }
        }
    }

    /** Passages are seen with a purpose alone: everything is read again. */
    forget(): void {
        for (const chunks of this.#chunks.values()) for (const chunk of chunks.values()) chunk.readAt = 0;
    }

    async #read(camera: string, from: number, to: number, goesOn: boolean, chunk: Chunk): Promise<void> {
        chunk.reading = true;
        const query = {
            from: new Date(from).toISOString(),
            to: new Date(to).toISOString(),
            with: ["alerts" as const, "passages" as const, "analysis" as const],
        };
        try {
            const path = "/api/v1/cameras/{camera}/timeline";
            const answer = await ask(api.GET(path, { params: { path: { camera }, query } }));
            chunk.known = read(answer);
            chunk.readAt = to;
            chunk.goesOn = goesOn;
            this.trouble = "";
            const all = [...(this.#chunks.get(camera)?.values() ?? [])].flatMap((other) => other.known ?? []);
            this.known = { ...this.known, [camera]: together(all) };
        } catch (why) {
            chunk.readAt = -Date.now();
            this.trouble = why instanceof Error ? why.message : String(why);
        } finally {
            chunk.reading = false;
        }
    }
}
