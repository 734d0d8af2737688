// Requests for clips in the order in which somebody works them. Pure.

import type { Schemas } from "../../lib/api/client";

export type ClipRequest = Schemas["clip_request"];

/** `due`: a neighbour waits for us; `waiting`: we wait for him. */
export type Standing = "due" | "waiting" | "granted" | "refused" | "lapsed";

/** Where a request stands. A grant whose film cannot be fetched any more has lapsed. */
export function standingOf(request: ClipRequest, now: number): Standing {
    const { answer } = request;
    if (!answer) return request.way === "received" ? "due" : "waiting";
    if (answer.result === "refused") return "refused";
    return answer.until !== undefined && Date.parse(answer.until) <= now ? "lapsed" : "granted";
}

export type Shown = "all" | "received" | "asked";

/** What a neighbour waits for comes first, the longest wait before the others; then the newest. */
export function inOrder(requests: readonly ClipRequest[], shown: Shown): ClipRequest[] {
    const isDue = (request: ClipRequest) => request.way === "received" && request.answer === null;
    return requests
        .filter((request) => shown === "all" || request.way === shown)
        .sort((a, b) => {
            if (isDue(a) !== isDue(b)) return isDue(a) ? -1 : 1;
            const order = a.asked_at < b.asked_at ? -1 : 1;
            return isDue(a) ? order : -order;
        });
}

/** Whether a film's address is one of this station, so that the page may play it in place. */
export function isHere(url: string, origin: string): boolean {
    return URL.canParse(url, origin) && new URL(url, origin).origin === origin;
}

/** An address that a link may lead to; `null` for anything but the web. */
export function safeLink(url: string | undefined): string | null {
    return url !== undefined && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? url : null;
}
