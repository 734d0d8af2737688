// What can be done with an alert, by whom, and why it was dismissed: as docs/ref/mqtt.md has it. The server decides; this says beforehand what it would say.

import { isOpen, type Alert } from "../../lib/live/news.svelte";
import { isSame, type Actor } from "./order";

export type Verb = "ack" | "claim" | "release" | "escalate" | "resolve" | "dismiss" | "annotate";

/** Each with its key. */
export const KEYS: Record<Verb, string> = {
    ack: "a",
    claim: "c",
    resolve: "r",
    dismiss: "d",
    escalate: "e",
    release: "l",
    annotate: "n",
};

/** Why something is dismissed, by the digit that chooses it: the first is `1`. `other` needs a note. */
export const REASONS = ["false-detection", "known", "harmless", "duplicate", "test", "other"] as const;
export type Reason = (typeof REASONS)[number];

export function reasonOf(digit: string): Reason | undefined {
    return /^[1-9]$/.test(digit) ? REASONS[Number(digit) - 1] : undefined;
}

export type Hindrance = "closed" | "held" | "not-held" | "seen";

/** Why he cannot do it now, or null. Who may not answer alerts at all is not asked about. */
export function hindrance(verb: Verb, alert: Alert, me: Actor | null): Hindrance | null {
    if (verb === "annotate") return null;
    if (!isOpen(alert)) return "closed";
    const holder = alert.life?.claim?.by;
    switch (verb) {
        case "ack":
            return alert.state === "raised" || alert.state === "escalated" ? null : "seen";
        case "claim":
            return !holder || isSame(holder, me) ? null : "held";
        case "release":
            return !holder ? "not-held" : holder.unit === me?.unit ? null : "held";
        case "escalate":
            return null;
        case "resolve":
        case "dismiss":
            return !holder || holder.unit === me?.unit ? null : "held";
    }
}

/** What is done with the alert that leads an incident is done with all of it: the others are not asked a second time. */
export function targets(verb: Verb, alerts: readonly Alert[]): Alert[] {
    if (verb === "escalate" || verb === "annotate") return [...alerts];
    const ids = new Set(alerts.map((alert) => alert.alert_id));
    return alerts.filter((alert) => {
        const lead = alert.incident?.lead;
        return !lead || lead === alert.alert_id || !ids.has(lead);
    });
}

/** Who was first, and with what: what a conflict is about. */
export function whoWasFirst(alert: Alert): { by: Actor | null; at: string; did: Alert["state"] } | null {
    const { closed, claim } = alert.life ?? {};
    if (closed) return { by: closed.by ?? null, at: closed.at, did: alert.state };
    if (claim) return { by: claim.by, at: claim.at, did: "claimed" };
    return null;
}
