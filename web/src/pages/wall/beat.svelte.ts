// Whether the server still answers: a line that died without a word is not noticed by who only listens. Its clock comes along, for deadlines.

import { api, Refused } from "../../lib/api/client";
import { setServerTime } from "../../lib/time.svelte";

const EVERY_MS = 20_000;
const PATIENCE_MS = 8000;

let silentSince = $state<number | null>(null);

/** Since when nobody answers: unix milliseconds, or null. */
export function beatLostSince(): number | null {
    return silentSince;
}

/** Asks, until the returned function is called. Who may not see how the station is gets no answer, which is one. */
export function keepBeat(allowed: boolean): () => void {
    let answered = Date.now();
    const ask = async () => {
        try {
            const { data } = await api.GET("/api/v1/status", { signal: AbortSignal.timeout(PATIENCE_MS) });
            if (data) setServerTime(data.now);
            answered = Date.now();
            silentSince = null;
        } catch (why) {
            if (why instanceof Refused || why instanceof DOMException) silentSince ??= answered;
        }
    };
    if (!allowed) return () => {};
    void ask();
    const timer = setInterval(() => void ask(), EVERY_MS);
    return () => {
        clearInterval(timer);
        silentSince = null;
    };
}
