// Which alerts are listed, in which order, and which of them belong together. Knows no page and no clock.

import type { Alert } from "../../lib/live/news.svelte";
import { rank, type Severity } from "../../lib/words";

/** Whoever sits at the page, as the server writes him into an alert's life. */
export interface Actor {
    who: string;
    unit: string;
}

export interface Filter {
    /** None: all. */
    severities: Severity[];
    /** Empty: any. So are those below. */
    kind: string;
    village: string;
    level: string;
    camera: string;
    whose: "" | "own" | "neighbours";
    mine: boolean;
}

export const NO_FILTER: Filter = {
    severities: [],
    kind: "",
    village: "",
    level: "",
    camera: "",
    whose: "",
    mine: false,
};

export function isFiltered(filter: Filter): boolean {
    const { severities, mine, ...words } = filter;
    return mine || severities.length > 0 || Object.values(words).some((word) => word !== "");
}

export function isSame(one: Actor | undefined, other: Actor | null): boolean {
    return !!one && !!other && one.who === other.who && one.unit === other.unit;
}

/** Whether he holds it, or has closed it. */
export function isMine(alert: Alert, me: Actor | null): boolean {
    const { closed, claim } = alert.life ?? {};
    return isSame(closed ? closed.by : claim?.by, me);
}

export function passes(alert: Alert, filter: Filter, me: Actor | null): boolean {
    const { camera } = alert;
    return (
        (filter.severities.length === 0 || filter.severities.includes(alert.severity)) &&
        (!filter.kind || filter.kind === alert.kind) &&
        (!filter.village || filter.village === camera.village) &&
        (!filter.level || filter.level === camera.level) &&
        (!filter.camera || filter.camera === camera.id) &&
        (!filter.whose || (filter.whose === "own") === !alert.home) &&
        (!filter.mine || isMine(alert, me))
    );
}

/** Alerts of one incident, or one alert alone. */
export interface Stack {
    /** The incident's id, or the alert's. */
    id: string;
    /** The one that leads, or the oldest that is listed. */
    head: Alert;
    /** The others, newest first. */
    others: Alert[];
    /** The worst of them. */
    severity: Severity;
}

function newestFirst(a: Alert, b: Alert): number {
    if (a.occurred_at !== b.occurred_at) return a.occurred_at < b.occurred_at ? 1 : -1;
    return a.alert_id < b.alert_id ? 1 : -1;
}

/** An incident's name is that of the alert that leads it; before it was one, that alert stood alone. */
export function stackId(alert: Alert): string {
    return alert.incident?.id ?? alert.alert_id;
}

/** Each for itself, newest first. */
export function eachAlone(alerts: Iterable<Alert>): Stack[] {
    return [...alerts]
        .sort(newestFirst)
        .map((alert) => ({ id: alert.alert_id, head: alert, others: [], severity: alert.severity }));
}

/**
 * Most severe first, then newest first. A stack stands where its head stood, so that what joins it moves nothing;
 * only something worse lifts it.
 */
export function stacksOf(alerts: Iterable<Alert>): Stack[] {
    const groups = new Map<string, Alert[]>();
    for (const alert of alerts) {
        const id = stackId(alert);
        const group = groups.get(id);
        if (group) group.push(alert);
        else groups.set(id, [alert]);
    }
    const stacks: Stack[] = [];
    for (const [id, group] of groups) {
        group.sort(newestFirst);
        const lead = group.findIndex((alert) => alert.alert_id === (alert.incident?.lead ?? alert.alert_id));
        const [head] = group.splice(lead >= 0 ? lead : group.length - 1, 1);
        if (!head) continue;
        const worst = group.reduce((known, alert) => Math.max(known, rank(alert.severity)), rank(head.severity));
        const severity = [head, ...group].find((alert) => rank(alert.severity) === worst)?.severity ?? head.severity;
        stacks.push({ id, head, others: group, severity });
    }
    return stacks.sort((a, b) => rank(b.severity) - rank(a.severity) || newestFirst(a.head, b.head));
}

/** A line of the list. */
export interface Row {
    id: string;
    alert: Alert;
    stack: Stack;
    /** Whether it stands for its whole stack, folded; leads an open one; or lies in one. */
    place: "alone" | "folded" | "lead" | "inside";
}

export function rowsOf(stacks: Stack[], unfolded: ReadonlySet<string>): Row[] {
    const rows: Row[] = [];
    for (const stack of stacks) {
        const open = unfolded.has(stack.id);
        const place = stack.others.length === 0 ? "alone" : open ? "lead" : "folded";
        rows.push({ id: stack.head.alert_id, alert: stack.head, stack, place });
        if (open) {
            for (const alert of stack.others) rows.push({ id: alert.alert_id, alert, stack, place: "inside" });
        }
    }
    return rows;
}

/** Where the hand goes when these rows leave: to the next one that stays, else to the one before. */
export function neighbour(rows: readonly Row[], leaving: ReadonlySet<string>, from: string): string | null {
    const at = rows.findIndex((row) => row.id === from);
    if (at < 0) return null;
    const stays = (row: Row) => !leaving.has(row.id);
    return (rows.slice(at + 1).find(stays) ?? rows.slice(0, at).findLast(stays))?.id ?? null;
}
