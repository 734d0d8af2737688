// The ten minutes: how much of them is left, and what they mean for an alert as it stands.

import { isOpen, type Alert } from "../../lib/live/news.svelte";

/** Nobody has promised anything about the station's own equipment in ten minutes. */
const EQUIPMENT: readonly string[] = ["camera-offline", "camera-tamper", "camera-degraded", "closure-lost"];

const LEASE_MS = 600_000;

export type Clock =
    /** Somebody should be on the way by then. */
    | { what: "respond"; until: number; whole: number }
    /** Nobody was on the way in time; since then. */
    | { what: "breached"; since: number }
    /** Somebody goes, until then unless he says so again. */
    | { what: "claim"; until: number; whole: number }
    | { what: "none" };

export function clockOf(alert: Alert, now: number): Clock {
    if (!isOpen(alert)) return { what: "none" };
    const { claim, breached_at: breachedAt, raised_at: raisedAt } = alert.life ?? {};
    if (claim) {
        const until = Date.parse(claim.until);
        return { what: "claim", until, whole: LEASE_MS };
    }
    if (EQUIPMENT.includes(alert.kind)) return { what: "none" };
    if (breachedAt) return { what: "breached", since: Date.parse(breachedAt) };
    const until = Date.parse(alert.respond_by);
    // The server says so a moment later; whoever looks at the clock should not see it stand at zero.
    if (now >= until) return { what: "breached", since: until };
    return { what: "respond", until, whole: Math.max(1, until - Date.parse(raisedAt ?? alert.occurred_at)) };
}

/** How much is left, 0 to 1. */
export function share(clock: Clock, now: number): number {
    if (clock.what === "breached") return 0;
    if (clock.what === "none") return 1;
    return Math.min(1, Math.max(0, (clock.until - now) / clock.whole));
}

/** Calm, soon (less than three minutes), late. */
export function urgency(clock: Clock, now: number): "calm" | "soon" | "late" {
    if (clock.what === "breached") return "late";
    if (clock.what === "none") return "calm";
    return clock.until - now < 180_000 ? "soon" : "calm";
}
