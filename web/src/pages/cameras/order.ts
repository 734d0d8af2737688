// In which order cameras stand, and under which headings.

import { badness, streams, worst, type Seen, type State } from "./state";

export const COLUMNS = ["state", "name", "gate", "cause", "since", "fps", "kbps", "skew", "watched", "record"] as const;
export type Column = (typeof COLUMNS)[number];

/** Which columns a table this wide has room for, and how wide each is. */
const TRACKS: Record<Column, string> = {
    state: "122px",
    name: "minmax(120px, 1.1fr)",
    gate: "62px",
    cause: "minmax(140px, 2fr)",
    since: "100px",
    fps: "82px",
    kbps: "74px",
    skew: "92px",
    watched: "122px",
    record: "88px",
};

export function columnsFor(width: number): Column[] {
    const without: Column[] = [
        ...(width < 1080 ? (["watched", "record"] as const) : []),
        ...(width < 960 ? (["gate", "kbps", "skew"] as const) : []),
    ];
    return COLUMNS.filter((column) => !without.includes(column));
}

/** For `grid-template-columns`. */
export function tracks(columns: readonly Column[], pictures: boolean): string {
    return [...columns.map((column) => TRACKS[column]), ...(pictures ? ["84px"] : [])].join(" ");
}

export interface Order {
    by: Column;
    down: boolean;
}

/** Problems first. */
export const USUAL: Order = { by: "state", down: false };

/** `fps`, or `-fps` for the other way round. */
export function readOrder(text: string | null): Order {
    const by = COLUMNS.find((column) => column === text?.replace(/^-/, ""));
    return by && text ? { by, down: text.startsWith("-") } : USUAL;
}

export function writeOrder(order: Order): string {
    return order.by === USUAL.by && order.down === USUAL.down ? "" : `${order.down ? "-" : ""}${order.by}`;
}

const LEVELS = ["ring", "block", "line", "point"];
const WATCHED: Record<string, number> = { always: 0, sparse: 1e6, off: 1e9 };
const RECORD = ["always", "alerts", "off"];

/** What is compared; `null` is what is not known, and stands last whichever way round. */
type Key = string | number | null;

function keyOf(column: Column, { camera, health, state }: Seen, nameOf: (one: Seen) => string): Key {
    switch (column) {
        case "state":
            return badness(state);
        case "name":
            return nameOf({ camera, health, state });
        case "gate":
            return `${camera.village.id} ${LEVELS.indexOf(camera.level)} ${camera.entry_point.id}`;
        case "cause":
            return health && health.reasons.length > 0 ? [...health.reasons].sort().join(" ") : null;
        case "since":
            return health ? Date.parse(health.since) : null;
        case "fps":
            return health && streams(state) ? health.fps : null;
        case "kbps":
            return health && streams(state) ? health.kbps : null;
        case "skew":
            return health?.clock_skew_ms == null ? null : Math.abs(health.clock_skew_ms);
        case "watched":
            return health?.attention
                ? (WATCHED[health.attention.mode] ?? 0) + (health.attention.look_every_s ?? 0)
                : null;
        case "record":
            return RECORD.indexOf(camera.record);
    }
}

const NAMES = new Intl.Collator("zh-CN", { numeric: true });

function compare(a: Key, b: Key): number {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return NAMES.compare(String(a), String(b));
}

/** What broke last stands first among the equally bad; then by place. */
function settle(a: Seen, b: Seen): number {
    return (
        compare(b.health ? Date.parse(b.health.since) : 0, a.health ? Date.parse(a.health.since) : 0) ||
        compare(a.camera.id, b.camera.id)
    );
}

function byPlace(a: Seen, b: Seen): number {
    return (
        compare(
            keyOf("gate", a, () => ""),
            keyOf("gate", b, () => ""),
        ) || compare(a.camera.id, b.camera.id)
    );
}

export function sorted(all: readonly Seen[], order: Order, nameOf: (one: Seen) => string): Seen[] {
    const keyed = all.map((one) => ({ one, key: keyOf(order.by, one, nameOf) }));
    keyed.sort((a, b) => {
        if (a.key === null || b.key === null)
            return Number(a.key === null) - Number(b.key === null) || byPlace(a.one, b.one);
        const found = compare(a.key, b.key);
        if (found !== 0) return order.down ? -found : found;
        return order.by === "state" && a.one.state !== "online" ? settle(a.one, b.one) : byPlace(a.one, b.one);
    });
    return keyed.map(({ one }) => one);
}

export const GROUPINGS = ["none", "village", "gate"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Group {
    /** Of the village or the entry point. */
    id: string;
    first: Seen;
    /** How many are declared, and how many of them stream: of all, not only of those shown. */
    declared: number;
    streaming: number;
    worst: State;
    shown: Seen[];
    /** Gates of a village; none where the grouping is not that fine. */
    gates: Group[];
}

function split(shown: readonly Seen[], all: readonly Seen[], idOf: (one: Seen) => string): Group[] {
    const groups = new Map<string, Group>();
    const states = new Map<string, State[]>();
    for (const one of shown) {
        const id = idOf(one);
        const group = groups.get(id);
        if (group) group.shown.push(one);
        else groups.set(id, { id, first: one, declared: 0, streaming: 0, worst: "online", shown: [one], gates: [] });
    }
    for (const one of all) {
        const group = groups.get(idOf(one));
        if (!group) continue;
        group.declared++;
        if (streams(one.state)) group.streaming++;
        states.set(group.id, [...(states.get(group.id) ?? []), one.state]);
    }
    for (const group of groups.values()) group.worst = worst(states.get(group.id) ?? []) ?? "online";
    return [...groups.values()];
}

/** Headings over cameras that are in order already: a heading stands where its first camera would. */
export function grouped(shown: readonly Seen[], all: readonly Seen[], grouping: Grouping): Group[] {
    if (grouping === "none") return [];
    const villages = split(shown, all, ({ camera }) => camera.village.id);
    if (grouping === "gate")
        for (const village of villages) {
            village.gates = split(
                village.shown,
                all.filter(({ camera }) => camera.village.id === village.id),
                ({ camera }) => camera.entry_point.id,
            );
        }
    return villages;
}
