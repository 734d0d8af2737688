// What was, what is, and what was taken back. Values are never changed in place.

/** Steps that can be taken back. */
const STEPS_MAX = 200;

export interface History<T> {
    readonly past: readonly T[];
    readonly now: T;
    readonly future: readonly T[];
    /** What the last step was part of: a drag, typing in one field. More of the same is the same step. */
    readonly part: string | null;
}

export function begin<T>(now: T): History<T> {
    return { past: [], now, future: [], part: null };
}

export function step<T>(history: History<T>, next: T, part: string | null = null): History<T> {
    if (next === history.now) return history;
    if (part !== null && part === history.part) return { ...history, now: next, future: [] };
    return { past: [...history.past, history.now].slice(-STEPS_MAX), now: next, future: [], part };
}

export function undo<T>(history: History<T>): History<T> {
    const before = history.past.at(-1);
    if (before === undefined) return history;
    return { past: history.past.slice(0, -1), now: before, future: [history.now, ...history.future], part: null };
}

export function redo<T>(history: History<T>): History<T> {
    const [next, ...future] = history.future;
    if (next === undefined) return history;
    return { past: [...history.past, history.now], now: next, future, part: null };
}
