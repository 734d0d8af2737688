// What colleagues have just done, for the few seconds in which it has to be seen.

import { SvelteMap } from "svelte/reactivity";

import { isOpen, onAlert, type Alert } from "../../lib/live/news.svelte";
import { isSame, type Actor } from "./order";

export interface Mark {
    by: Actor | null;
    did: Alert["state"];
}

const SHOWN_MS = 8000;

const marks = new SvelteMap<string, Mark>();

export function markOf(id: string): Mark | undefined {
    return marks.get(id);
}

/** What somebody else did in this change, if anything that matters to who looks at it. */
export function doneByAnother(alert: Alert, before: Alert | undefined, me: Actor | null): Mark | null {
    if (!before || !isOpen(before)) return null;
    const { claim, closed, acknowledged } = alert.life ?? {};
    const mark = (by: Actor | undefined): Mark | null =>
        by && !isSame(by, me) ? { by: { who: by.who, unit: by.unit }, did: alert.state } : null;
    if (!isOpen(alert)) return closed?.by ? mark(closed.by) : { by: null, did: alert.state };
    if (claim && !before.life?.claim) return mark(claim.by);
    if (before.life?.claim && !claim) return { by: null, did: alert.state };
    if (acknowledged && !before.life?.acknowledged) return mark(acknowledged.by);
    return null;
}

/** Keeps them until the returned function is called; `tell` is for what is said in words. */
export function keepMarks(me: () => Actor | null, tell: (alert: Alert, mark: Mark) => void): () => void {
    const timers = new Map<string, ReturnType<typeof setTimeout>>();
    const stop = onAlert((alert, before) => {
        const mark = doneByAnother(alert, before, me());
        if (!mark) return;
        const id = alert.alert_id;
        marks.set(id, mark);
        clearTimeout(timers.get(id));
        timers.set(
            id,
            setTimeout(() => (marks.delete(id), timers.delete(id)), SHOWN_MS),
        );
        tell(alert, mark);
    });
    return () => {
        stop();
        for (const timer of timers.values()) clearTimeout(timer);
        marks.clear();
    };
}
