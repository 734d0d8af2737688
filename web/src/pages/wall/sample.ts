// Alerts for tests: as the server writes them, as far as the wall's logic reads them.

import type { Alert } from "../../lib/live/news.svelte";

/** Seconds after 18:00:00. */
export function at(seconds: number): string {
    return new Date(Date.UTC(2026, 2, 9, 18, 0, seconds)).toISOString();
}

export const LI = { who: "li", unit: "patrol" };
export const WANG = { who: "wang", unit: "station" };

export function sample(id: string, seconds: number, more: Partial<Alert> = {}): Alert {
    return {
        alert_id: id,
        kind: "zone-enter",
        severity: "warning",
        state: "raised",
        camera: {
            id: "north-gate",
            name: { zh: "北门", en: "North gate" },
            village: "upper",
            level: "line",
            direction: null,
        },
        occurred_at: at(seconds),
        ended_at: null,
        respond_by: at(seconds + 600),
        rule: { id: "r", version: "000000000000" },
        objects: [],
        snapshot: null,
        clip: null,
        explain: { zh: "", en: "" },
        life: { raised_at: at(seconds), told: [], tier: 0, notes: [] },
        ...more,
    } as Alert;
}

export function claimedBy(by: typeof LI, seconds: number): Partial<Alert> {
    const life = {
        raised_at: at(seconds),
        told: [],
        tier: 0,
        notes: [],
        first_claimed: { at: at(seconds + 10), by },
        claim: { at: at(seconds + 10), by, until: at(seconds + 610) },
    };
    return { state: "claimed", life } as Partial<Alert>;
}
