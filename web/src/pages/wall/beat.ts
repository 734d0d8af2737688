// Whether the server still answers: a line that died without a word is not noticed by who only listens. Its clock comes along, for deadlines.

import { api } from "../../lib/api/client";
import { listenAnew, loseSince, newsLine } from "../../lib/live/news.svelte";
import { setServerTime } from "../../lib/time.svelte";

const EVERY_MS = 15_000;
const PATIENCE_MS = 8000;

/** Whether somebody is there who answers for the server; a refusal is an answer, a gateway's excuse is none. */
export function isAnswer(status: number): boolean {
    return status > 0 && (status < 502 || status > 504);
}

/** Asks, until the returned function is called. */
export function keepBeat(): () => void {
    let answered = Date.now();
    let silent = false;
    const ask = async () => {
        const signal = AbortSignal.timeout(PATIENCE_MS);
        const { data, status } = await api
            .GET("/api/v1/status", { signal })
            .then(({ data, response }) => ({ data, status: response.status }))
            .catch(() => ({ data: undefined, status: 0 }));
        if (isAnswer(status)) {
            answered = Date.now();
            if (data) setServerTime(data.now);
            // What was said meanwhile went nowhere.
            if (silent && newsLine() === "lost") listenAnew();
            silent = false;
        } else {
            silent = true;
            loseSince(answered);
        }
    };
    void ask();
    const timer = setInterval(() => void ask(), EVERY_MS);
    return () => clearInterval(timer);
}
