// What lies on the desk: the list as it is filtered, folded and ordered, and the alerts that are worked on. Nothing here moves the hand but the hand itself, and what it has closed.

import { SvelteMap, SvelteSet } from "svelte/reactivity";

import { lookAt } from "../../lib/live/attention.svelte";
import { alerts, isOpen, type Alert } from "../../lib/live/news.svelte";
import { forgetRefusal } from "./act.svelte";
import {
    eachAlone,
    isFiltered,
    neighbour,
    NO_FILTER,
    passes,
    rowsOf,
    stacksOf,
    type Actor,
    type Filter,
    type Row,
} from "./order";
import { Past } from "./past.svelte";

export type Mode = "open" | "closed";

/** A folded stack without the alert that leads it is all that lies in it. */
function meant(row: Row): Alert[] {
    const leads = row.alert.incident?.lead === row.id;
    return row.place === "folded" && !leads ? [row.alert, ...row.stack.others] : [row.alert];
}

export class Desk {
    mode = $state<Mode>("open");
    filter = $state<Filter>({ ...NO_FILTER });
    /** The one that is worked on. */
    selected = $state<string | null>(null);
    /** Where a range began; the ones between are marked. */
    #origin: string | null = null;
    readonly marked = new SvelteSet<string>();
    readonly unfolded = new SvelteSet<string>();
    readonly past = new Past();
    /** What an address led to, and the list lacks. */
    readonly #brought = new SvelteMap<string, Alert>();

    readonly me: () => Actor | null;

    constructor(me: () => Actor | null) {
        this.me = me;
    }

    readonly open = $derived([...alerts.values()].filter(isOpen));

    readonly #passing = $derived.by(() => {
        const me = this.me();
        const of = this.mode === "open" ? this.open : this.past.listed;
        return of.filter((alert) => passes(alert, this.filter, me));
    });

    /** The one that is worked on stays in the list, closed or not, until the hand goes on. */
    readonly #kept = $derived.by(() => {
        const { current } = this;
        if (this.mode !== "open" || !current) return undefined;
        const listed = alerts.has(current.alert_id) && isOpen(current) && passes(current, this.filter, this.me());
        return listed ? undefined : current;
    });

    /** What is listed, in no order. It does not depend on the hand, so that a key costs nothing. */
    readonly shown: Alert[] = $derived(this.#kept ? [...this.#passing, this.#kept] : this.#passing);

    readonly rows: Row[] = $derived(
        rowsOf(this.mode === "open" ? stacksOf(this.shown) : eachAlone(this.shown), this.unfolded),
    );

    readonly isFiltered = $derived(isFiltered(this.filter));

    /** Open ones that the filter keeps from being seen. */
    readonly hidden = $derived.by(() => {
        if (!this.isFiltered) return [];
        const me = this.me();
        return this.open.filter((alert) => !passes(alert, this.filter, me));
    });

    find(id: string): Alert | undefined {
        return (
            alerts.get(id) ??
            this.past.listed.find((alert) => alert.alert_id === id) ??
            this.#brought.get(id) ??
            undefined
        );
    }

    readonly current = $derived(this.selected === null ? undefined : this.find(this.selected));

    /** The stack that the selected row stands for, where it is folded. */
    readonly row = $derived(this.rows.find((row) => row.id === this.selected));

    /** What a command is said of: all that are marked, else the one. */
    readonly chosen: Alert[] = $derived.by(() => {
        if (this.marked.size > 1) return this.rows.filter((row) => this.marked.has(row.id)).flatMap(meant);
        return this.row ? meant(this.row) : this.current ? [this.current] : [];
    });

    bring(alert: Alert): void {
        this.#brought.set(alert.alert_id, alert);
    }

    /** The hand goes there. `extend` marks all from where the range began; `add` marks this one more. */
    select(id: string | null, how: "alone" | "extend" | "add" = "alone", by: "hand" | "itself" = "hand"): void {
        const before = this.selected;
        if (before !== null && before !== id) forgetRefusal(before);
        if (how === "alone" || id === null) {
            this.marked.clear();
            this.#origin = id;
        } else if (how === "add") {
            if (this.marked.size === 0 && before !== null) this.marked.add(before);
            if (this.marked.has(id) && this.marked.size > 1) this.marked.delete(id);
            else this.marked.add(id);
            this.#origin = id;
        } else {
            this.#origin ??= before ?? id;
            const ids = this.rows.map((row) => row.id);
            const [from, to] = [ids.indexOf(this.#origin), ids.indexOf(id)].sort((a, b) => a - b) as [number, number];
            this.marked.clear();
            for (const between of ids.slice(Math.max(0, from), to + 1)) this.marked.add(between);
        }
        this.selected = id;
        if (by === "hand") this.look();
    }

    /** What is worked on was looked at. */
    look(): void {
        if (this.selected !== null) lookAt(this.selected);
        if (this.row?.place === "folded") for (const alert of this.row.stack.others) lookAt(alert.alert_id);
    }

    /** Up or down by so many rows; false where there is nowhere to go. */
    move(by: number, how: "alone" | "extend" = "alone"): void {
        if (this.rows.length === 0) return;
        const at = this.rows.findIndex((row) => row.id === this.selected);
        const to = at < 0 ? 0 : Math.min(this.rows.length - 1, Math.max(0, at + by));
        const row = this.rows[to];
        if (row && (row.id !== this.selected || how === "alone")) this.select(row.id, how);
    }

    selectStack(row: Row): void {
        this.marked.clear();
        this.unfolded.add(row.stack.id);
        for (const alert of [row.stack.head, ...row.stack.others]) this.marked.add(alert.alert_id);
        this.#origin = row.stack.head.alert_id;
    }

    fold(row: Row, open: boolean): void {
        if (row.stack.others.length === 0) return;
        if (open) this.unfolded.add(row.stack.id);
        else {
            this.unfolded.delete(row.stack.id);
            if (row.place === "inside") this.select(row.stack.head.alert_id);
        }
    }

    /** Where the hand goes once these are closed; to be asked before they are. */
    after(closing: Iterable<string>): string | null {
        if (this.selected === null) return null;
        const leaving = new Set(closing);
        // What leads an incident takes the rest of it along.
        for (const row of this.rows)
            if (row.alert.incident && leaving.has(row.alert.incident.lead)) leaving.add(row.id);
        return leaving.has(this.selected) ? neighbour(this.rows, leaving, this.selected) : this.selected;
    }

    clearFilter(): void {
        this.filter = { ...NO_FILTER };
    }
}
