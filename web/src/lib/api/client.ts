// The one door to the server, typed by docs/ref/openapi.json.

import createClient from "openapi-fetch";

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** Why a request was not answered as hoped. `status` is 0 where nobody answered at all. */
export class Refused extends Error {
    constructor(
        readonly status: number,
        message: string,
    ) {
        super(message);
    }
}

/** Told of each 401, so that the page can ask for the password again. */
let signedOut: () => void = () => {};

export function onSignedOut(tell: () => void): void {
    signedOut = tell;
}

export const api = createClient<paths>({
    baseUrl: "",
    credentials: "same-origin",
    fetch: async (request) => {
        const answer = await fetch(request).catch((why: unknown) => {
            if (request.signal.aborted) throw why;
            throw new Refused(0, String(why));
        });
        if (answer.status === 401 && !request.url.endsWith("/api/v1/session")) signedOut();
        return answer;
    },
});

/** What was answered, or a [`Refused`] with the server's own words. */
export async function ask<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
    const { data, error, response } = await answer;
    if (response.ok) return data as T;
    throw new Refused(response.status, words(error) || response.statusText);
}

function words(error: unknown): string {
    if (typeof error === "string") return error.trim();
    if (error && typeof error === "object" && "message" in error) return String(error.message);
    return "";
}
