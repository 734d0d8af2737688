// Asks the server what of a search was not seen: gaps and intervals of little analysis, as far as a few pages go.

import { api, ask } from "../../lib/api/client";
import { coverageOf, type Coverage, type Fault, type Stretch } from "./coverage";

interface Interval extends Fault {
    what: "reduced" | "not-analysed";
}
interface Pages<T> {
    items: T[];
    /** Whether these are all. */
    whole: boolean;
}

export interface Survey extends Coverage {
    /** Whether all of it was read; else there is more. */
    whole: boolean;
}

const PAGES_MAX = 5;
const LIMIT = 1000;
/** Cameras that are named in an address; beyond, all are asked for. */
const NAMED_MAX = 100;

export async function survey(
    cameras: readonly string[],
    stretches: readonly Stretch[],
    signal: AbortSignal,
): Promise<Survey> {
    const first = stretches[0];
    const last = stretches.at(-1);
    if (!first || !last || cameras.length === 0) return { ...coverageOf(cameras, stretches, [], []), whole: true };
    const range = { from: new Date(first.from).toISOString(), to: new Date(last.to).toISOString() };
    const named = cameras.length <= NAMED_MAX ? { camera: cameras.join(",") } : {};
    const [gaps, intervals] = await Promise.all([
        pages<Fault>(async (after) => {
            const query = { ...range, ...named, ...after, limit: LIMIT, min_s: 1 };
            const page = await ask(api.GET("/api/v1/gaps", { params: { query }, signal }));
            return { items: page.gaps, next: page.next };
        }),
        pages<Interval>(async (after) => {
            const one = cameras.length === 1 ? named : {};
            const query = { ...range, ...one, ...after, limit: LIMIT };
            const page = (await ask<unknown>(api.GET("/api/v1/analysis", { params: { query }, signal }))) as {
                intervals: Interval[];
                next: string | null;
            };
            return { items: page.intervals, next: page.next };
        }),
    ]);
    return {
        ...coverageOf(cameras, stretches, gaps.items, intervals.items),
        whole: gaps.whole && intervals.whole,
    };
}

async function pages<T>(
    page: (after: { after?: string }) => Promise<{ items: readonly T[]; next: string | null }>,
): Promise<Pages<T>> {
    const items: T[] = [];
    let after: { after?: string } = {};
    for (let nth = 0; nth < PAGES_MAX; nth++) {
        const got = await page(after);
        items.push(...got.items);
        if (got.next === null) return { items, whole: true };
        after = { after: got.next };
    }
    return { items, whole: false };
}
