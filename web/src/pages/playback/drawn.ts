// What of a day's records can be seen on a time line of so many pixels: what is closer than a pixel is drawn as one.

import type { Severity } from "../../lib/words";
import type { Span, Stretch } from "../../lib/player/line";
import { xOf, type View } from "./scale";

export interface Bar {
    x: number;
    width: number;
    what: Stretch["what"];
    cause: string | null;
}

/** Anything narrower is widened, so that a second's gap in a day is seen. */
const SEEN_PX = 1.5;

function clip(span: Span, view: View): Span | null {
    const clipped = { from: Math.max(span.from, view.from), to: Math.min(span.to, view.to) };
    return clipped.to > clipped.from ? clipped : null;
}

/** Stretches as bars; gaps lie over recordings where both share a pixel. */
export function bars(line: Stretch[], view: View, width: number): Bar[] {
    const out: Bar[] = [];
    for (const stretch of line) {
        const seen = clip(stretch, view);
        if (!seen) continue;
        const x = xOf(seen.from, view, width);
        const wide = Math.max(SEEN_PX, xOf(seen.to, view, width) - x);
        const last = out.at(-1);
        const same = last && last.what === stretch.what && last.cause === stretch.cause;
        if (last && same && x - (last.x + last.width) < 0.5) last.width = Math.max(last.width, x + wide - last.x);
        else out.push({ x, width: wide, what: stretch.what, cause: stretch.cause });
    }
    return out.sort((a, b) => Number(a.what === "gap") - Number(b.what === "gap"));
}

/** Spans as bars that do not touch; those closer than a pixel are one. */
export function strips(spans: Span[], view: View, width: number): { x: number; width: number }[] {
    const out: { x: number; width: number }[] = [];
    for (const span of spans.toSorted((a, b) => a.from - b.from)) {
        const seen = clip({ from: span.from, to: Math.max(span.to, span.from + 1) }, view);
        if (!seen) continue;
        const x = xOf(seen.from, view, width);
        const end = Math.max(x + 2, xOf(seen.to, view, width));
        const last = out.at(-1);
        if (last && x - (last.x + last.width) < 1) last.width = Math.max(last.width, end - last.x);
        else out.push({ x, width: end - x });
    }
    return out;
}

export interface AlertMark {
    id: string;
    kind: string;
    severity: Severity;
    from: number;
}

export interface Cluster {
    x: number;
    /** The worst of them is what is drawn. */
    severity: Severity;
    alerts: AlertMark[];
}

const ORDER: Severity[] = ["info", "warning", "major", "critical"];

/** Alerts as marks: those nearer than `apart` pixels are one, and look like the worst. */
export function clusters(alerts: AlertMark[], view: View, width: number, apart = 14): Cluster[] {
    const out: Cluster[] = [];
    for (const alert of alerts.toSorted((a, b) => a.from - b.from)) {
        if (alert.from < view.from || alert.from > view.to) continue;
        const x = xOf(alert.from, view, width);
        const last = out.at(-1);
        if (last && x - last.x < apart) {
            last.alerts.push(alert);
            if (ORDER.indexOf(alert.severity) > ORDER.indexOf(last.severity)) last.severity = alert.severity;
        } else out.push({ x, severity: alert.severity, alerts: [alert] });
    }
    return out;
}

/** The lanes of passages, from above. */
export const LANES = ["people", "two-wheeled", "vehicles", "animals"] as const;
export type Lane = (typeof LANES)[number];

const LANE_OF: Record<string, Lane> = {
    person: "people",
    bicycle: "two-wheeled",
    motorcycle: "two-wheeled",
    car: "vehicles",
    bus: "vehicles",
    truck: "vehicles",
};

export function laneOf(kind: string): Lane {
    return LANE_OF[kind] ?? "animals";
}

/** The next alert behind the moment, or the last one well before it. */
export function alertBeside(alerts: AlertMark[], at: number, by: 1 | -1): AlertMark | null {
    // One goes to an alert some seconds early: `n` again must not find the same one.
    const sorted = alerts.toSorted((a, b) => a.from - b.from);
    return by > 0
        ? (sorted.find((alert) => alert.from - LEAD_MS > at + 500) ?? null)
        : (sorted.findLast((alert) => alert.from - LEAD_MS < at - 1500) ?? null);
}

/** An alert is looked at from so long before it. */
export const LEAD_MS = 3000;
