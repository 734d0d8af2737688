// What was done about an alert, in order, as its `life` has it.

import type { Alert } from "../../lib/live/news.svelte";

type Life = NonNullable<Alert["life"]>;
type By = Life["notes"][number]["by"];
type Told = Life["told"][number];

export type Step =
    | { at: string; what: "occurred" | "ended" | "breached" | "expired" }
    | { at: string; what: "told"; told: Told }
    | { at: string; what: "acknowledged" | "first-claimed" | "claimed"; by: By }
    | { at: string; what: "noted"; by: By; text: string }
    | { at: string; what: "closed"; by: By | null; state: Alert["state"]; reason: string; note: string };

/** Oldest first; what happened at the same time stays in the order of a life. */
export function historyOf(alert: Alert): Step[] {
    const steps: Step[] = [{ at: alert.occurred_at, what: "occurred" }];
    const { life } = alert;
    for (const told of life?.told ?? []) steps.push({ at: told.at, what: "told", told });
    if (life?.acknowledged) steps.push({ ...life.acknowledged, what: "acknowledged" });
    if (life?.first_claimed) steps.push({ ...life.first_claimed, what: "first-claimed" });
    if (life?.claim && life.claim.at !== life.first_claimed?.at) {
        steps.push({ at: life.claim.at, what: "claimed", by: life.claim.by });
    }
    if (life?.breached_at) steps.push({ at: life.breached_at, what: "breached" });
    for (const note of life?.notes ?? []) steps.push({ at: note.at, what: "noted", by: note.by, text: note.text });
    if (alert.ended_at) steps.push({ at: alert.ended_at, what: "ended" });
    if (life?.closed) {
        const { at, by, reason, note } = life.closed;
        if (alert.state === "expired") steps.push({ at, what: "expired" });
        else
            steps.push({
                at,
                what: "closed",
                by: by ?? null,
                state: alert.state,
                reason: reason ?? "",
                note: note ?? "",
            });
    }
    return steps.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

/** Every post that was told, each once. */
export function postsTold(alert: Alert): string[] {
    return [...new Set((alert.life?.told ?? []).flatMap((told) => told.posts))];
}
