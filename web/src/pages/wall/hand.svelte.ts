// What is done with what lies on the desk: checks beforehand, asks for what is missing, says it to the server, and moves the hand on.

import { named, speak } from "../../lib/language.svelte";
import { isOpen, type Alert } from "../../lib/live/news.svelte";
import { may } from "../../lib/session.svelte";
import { toast } from "../../lib/toasts.svelte";
import { sayOf, type Said } from "./act.svelte";
import type { Desk } from "./desk.svelte";
import { actorName, verbWords } from "./saying";
import { hindrance, targets, type Hindrance, type Reason, type Verb } from "./verbs";

const words = speak(
    {
        notAllowed: "您的账户只能查看，不能处置告警",
        closed: "这条告警已经结束",
        held: (who: string) => `${who} 正在处置`,
        notHeld: "没有人接手，不用退回",
        seen: "已经确认过了",
        done: (what: string, where: string) => `${what}：${where}`,
        doneMany: (what: string, n: number, rest: number) =>
            `${what} ${n} 条${rest > 0 ? `；${rest} 条不归您处置，未动` : ""}`,
        failedMany: (n: number) => `${n} 条没有办成，已标出`,
    },
    {
        notAllowed: "Your account may look, and not answer alerts",
        closed: "This alert is closed",
        held: (who: string) => `${who} holds it`,
        notHeld: "Nobody holds it: there is nothing to release",
        seen: "It was acknowledged before",
        done: (what: string, where: string) => `${what}: ${where}`,
        doneMany: (what: string, n: number, rest: number) =>
            `${what}: ${n}${rest > 0 ? `; ${rest} left as they are` : ""}`,
        failedMany: (n: number) => `${n} not done; they are marked`,
    },
);

/** Closing moves the hand by itself: a second stroke within this was meant for the one before. */
const GUARD_MS = 250;

/** What a step still has to be told. */
export type Asking = "reason" | "other" | "note" | null;

export class Hand {
    asking = $state<Asking>(null);
    /** What has to be said about the last key. */
    notice = $state("");
    readonly #desk: Desk;
    readonly #moved: () => void;
    #movedAt = 0;

    /** `moved` is told when the hand went on by itself. */
    constructor(desk: Desk, moved: () => void) {
        this.#desk = desk;
        this.#moved = moved;
    }

    /** How many alerts a command on what is chosen is about. */
    readonly whole = $derived.by(() => this.#concerned(this.#desk.chosen));

    /** Nothing is asked or said any more. */
    rest(): void {
        this.asking = null;
        this.notice = "";
    }

    press(verb: Verb, event?: KeyboardEvent): void {
        if (event?.repeat || Date.now() - this.#movedAt < GUARD_MS) return;
        this.notice = "";
        if (!may("answer")) {
            this.notice = words().notAllowed;
            return;
        }
        const able = this.#doable(verb);
        if (able.length === 0) return;
        if (verb === "dismiss") this.asking = "reason";
        else if (verb === "annotate") this.asking = "note";
        else void this.#say(able, { verb });
    }

    because(reason: Reason, note = ""): void {
        if (reason === "other" && !note) {
            this.asking = "other";
            return;
        }
        const able = this.#doable("dismiss");
        this.asking = null;
        if (able.length > 0) void this.#say(able, { verb: "dismiss", reason, ...(note && { note }) });
    }

    remark(text: string): void {
        if (this.asking === "other") {
            this.because("other", text);
        } else {
            this.asking = null;
            void this.#say(this.#desk.chosen, { verb: "annotate", note: text });
        }
    }

    #concerned(chosen: readonly Alert[]): number {
        const ids = new Set(chosen.map((alert) => alert.alert_id));
        for (const alert of this.#desk.open) {
            if (alert.incident && ids.has(alert.incident.lead)) ids.add(alert.alert_id);
        }
        return ids.size;
    }

    /** Those of what is chosen with which it can be done; says why where it is none. */
    #doable(verb: Verb): Alert[] {
        const me = this.#desk.me();
        const able = this.#desk.chosen.filter((alert) => hindrance(verb, alert, me) === null);
        const first = this.#desk.chosen[0];
        if (able.length === 0 && first) {
            const why = hindrance(verb, first, me);
            this.notice = why ? says(why, first) : "";
        }
        return able;
    }

    async #say(of: readonly Alert[], said: Said): Promise<void> {
        const desk = this.#desk;
        const closes = said.verb === "resolve" || said.verb === "dismiss";
        const held = desk.selected;
        const left = desk.chosen.length - of.length;
        const many = this.#concerned(of);
        const next = closes ? desk.after(of.map((alert) => alert.alert_id)) : null;
        const outcomes = await sayOf(targets(said.verb, of), said);
        const done = outcomes.filter(({ result }) => result === "ok");
        const failed = outcomes.length - done.length;
        const verb = verbWords()[said.verb];
        const one = done[0];
        if (of.length > 1) {
            if (one) toast("done", words().doneMany(verb, many - failed, left));
            if (failed > 0) toast("failed", words().failedMany(failed));
        } else if (closes && one) {
            toast("done", words().done(verb, named(one.alert.camera.name)));
        }
        // The hand goes on where what it held is closed by it, and where it has not gone on itself.
        if (!closes || held === null || desk.selected !== held || desk.mode !== "open") return;
        const stands = desk.find(held);
        const isDone = done.some(({ alert }) => alert.alert_id === held) || (stands !== undefined && !isOpen(stands));
        if (!isDone) return;
        desk.select(next);
        this.#movedAt = Date.now();
        this.#moved();
    }
}

function says(why: Hindrance, alert: Alert): string {
    switch (why) {
        case "closed":
            return words().closed;
        case "held":
            return words().held(actorName(alert.life?.claim?.by));
        case "not-held":
            return words().notHeld;
        case "seen":
            return words().seen;
    }
}
