// Says to the server what is to be done with alerts, and keeps what is under way and what came of it.

import { SvelteMap } from "svelte/reactivity";

import { api, type Schemas } from "../../lib/api/client";
import { alerts, type Alert } from "../../lib/live/news.svelte";
import { ulid } from "../../lib/ulid";
import type { Reason, Verb } from "./verbs";

export interface Said {
    verb: Verb;
    reason?: Reason;
    note?: string;
}

export interface Outcome {
    /** As it stood when it was said. */
    alert: Alert;
    said: Said;
    result: "ok" | "conflict" | "forbidden" | "invalid" | "expired" | "unreachable";
    /** The server's words. */
    why: string;
    /** What holds, where the server says so. */
    stands: Alert | null;
}

/** What is being said just now, by alert. */
const underWay = new SvelteMap<string, Verb>();
/** What was refused lately, by alert, until somebody goes on to another one. */
const refusals = new SvelteMap<string, Outcome>();

export function isUnderWay(id: string): Verb | undefined {
    return underWay.get(id);
}

export function refusalOf(id: string): Outcome | undefined {
    return refusals.get(id);
}

export function forgetRefusal(id: string): void {
    refusals.delete(id);
}

const AT_ONCE = 6;
/** After a lost connection the same command is said again after these, milliseconds; then it is given up. */
const AGAIN_MS = [700, 2500];

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function post(alert: Alert, said: Said): Promise<Outcome> {
    // Who says it is known from the session; the command has no other actor.
    const { reason, note } = said;
    const command = { id: ulid(), ...(reason && { reason }), ...(note && { note }) };
    const body = command as Schemas["order"];
    const path = { alert: alert.alert_id, verb: said.verb };
    for (let round = 0; ; round++) {
        try {
            const { data, error, response } = await api.POST("/api/v1/alerts/{alert}/{verb}", {
                params: { path },
                body,
            });
            const answer = (data ?? error) as Partial<Schemas["command-answer"]> | string | undefined;
            if (typeof answer === "object" && answer.result) {
                const stands = (answer.alert ?? null) as Alert | null;
                return { alert, said, result: answer.result, why: answer.why ?? "", stands };
            }
            const why = typeof answer === "string" ? answer.trim() : response.statusText;
            return { alert, said, result: response.status === 403 ? "forbidden" : "invalid", why, stands: null };
        } catch (why) {
            const wait = AGAIN_MS[round];
            if (wait === undefined) return { alert, said, result: "unreachable", why: String(why), stands: null };
            await pause(wait);
        }
    }
}

async function one(alert: Alert, said: Said): Promise<Outcome> {
    const id = alert.alert_id;
    underWay.set(id, said.verb);
    refusals.delete(id);
    const outcome = await post(alert, said);
    underWay.delete(id);
    // The answer of a neighbour lacks what does not concern us; the news bring the rest.
    if (outcome.stands && !alert.home && alerts.has(id)) alerts.set(id, outcome.stands);
    if (outcome.result !== "ok") refusals.set(id, outcome);
    return outcome;
}

/** Says it of each, some at a time. What is under way already is left alone. */
export async function sayOf(which: readonly Alert[], said: Said): Promise<Outcome[]> {
    const waiting = which.filter((alert) => !underWay.has(alert.alert_id));
    const outcomes: Outcome[] = [];
    const worker = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) outcomes.push(await one(next, said));
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, waiting.length) }, worker));
    return outcomes;
}
