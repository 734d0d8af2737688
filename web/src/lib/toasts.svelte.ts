// Short words at the edge of the page: what was done, what was refused.

import { Refused } from "./api/client";

export interface Toast {
    id: number;
    kind: "done" | "failed";
    text: string;
}

const SHOWN_MS = 6000;

export const toasts = $state<Toast[]>([]);
let next = 1;

export function toast(kind: Toast["kind"], text: string): void {
    const id = next++;
    toasts.push({ id, kind, text });
    setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
    const at = toasts.findIndex((known) => known.id === id);
    if (at >= 0) toasts.splice(at, 1);
}

/** Runs it, and says why where it fails. `undefined` where it failed. */
export async function orSay<T>(doing: Promise<T>): Promise<T | undefined> {
    try {
        return await doing;
    } catch (why) {
        toast("failed", why instanceof Refused || why instanceof Error ? why.message : String(why));
        return undefined;
    }
}
