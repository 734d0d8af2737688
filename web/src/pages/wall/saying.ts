// The wall's words that more than one of its parts use.

import { named, speak } from "../../lib/language.svelte";
import { cameras, type Alert } from "../../lib/live/news.svelte";
import { clockTime } from "../../lib/time.svelte";
import { word } from "../../lib/words";
import type { Actor } from "./order";
import type { Reason, Verb } from "./verbs";

export const verbWords: () => Record<Verb, string> = speak(
    {
        ack: "确认",
        claim: "接手",
        release: "退回",
        escalate: "升级",
        resolve: "处置完毕",
        dismiss: "排除",
        annotate: "备注",
    },
    {
        ack: "Acknowledge",
        claim: "Claim",
        release: "Release",
        escalate: "Escalate",
        resolve: "Resolve",
        dismiss: "Dismiss",
        annotate: "Note",
    },
);

const more = speak(
    {
        nobody: "系统",
        station: (who: string, station: string) => `${who}（${station}）`,
        unit: (who: string, unit: string) => `${who}（${unit}）`,
    },
    {
        nobody: "the system",
        station: (who: string, station: string) => `${who} (${station})`,
        unit: (who: string, unit: string) => `${who} (${unit})`,
    },
);

export function actorName(by: (Actor & { station?: string }) | null | undefined): string {
    if (!by) return more().nobody;
    return by.station ? more().station(by.who, by.station) : more().unit(by.who, by.unit);
}

const done: () => Record<Alert["state"], string> = speak(
    {
        raised: "放弃处置，已无人接手",
        acknowledged: "确认",
        escalated: "升级",
        claimed: "接手",
        resolved: "处置完毕",
        dismissed: "排除",
        expired: "超时关闭",
    },
    {
        raised: "gave it up: nobody holds it",
        acknowledged: "acknowledged it",
        escalated: "escalated it",
        claimed: "claimed it",
        resolved: "resolved it",
        dismissed: "dismissed it",
        expired: "let it expire",
    },
);

const when = speak(
    {
        just: (who: string, did: string) => `${who} 刚刚${did}`,
        first: (who: string, at: string, did: string) => `${who}已先一步${did}，${at}`,
    },
    {
        just: (who: string, did: string) => `${who} just ${did}`,
        first: (who: string, at: string, did: string) => `${who} was first and ${did}, at ${at}`,
    },
);

/** `Li just claimed it`. */
export function justNow(by: Actor | null, did: Alert["state"]): string {
    return when().just(actorName(by), done()[did]);
}

/** `Li was first and claimed it, at 03:04:05`. */
export function wasFirst(by: Actor | null, at: string, did: Alert["state"]): string {
    return when().first(actorName(by), clockTime(at), done()[did]);
}

export function reasonName(reason: Reason | string): string {
    return word("DISMISSAL", reason);
}

/** A village by its name, where one of its cameras is ours. */
export function villageName(alert: Alert): string {
    return named(cameras.get(alert.camera.id)?.village) || alert.camera.village;
}

/** What was seen: `person`, `person ×3`; empty where no model saw it. */
export function seen(alert: Alert): string {
    const counts = new Map<string, number>();
    for (const object of alert.objects) counts.set(object.class, (counts.get(object.class) ?? 0) + 1);
    return [...counts].map(([name, n]) => word("CLASS", name) + (n > 1 ? ` ×${n}` : "")).join(" ");
}

/** Who does what about it: `unanswered`, `Li: claimed`. */
export function standing(alert: Alert): string {
    const { claim, closed, acknowledged } = alert.life ?? {};
    const state = word("LIFE", alert.state);
    const by = closed
        ? closed.by
        : alert.state === "claimed"
          ? claim?.by
          : alert.state === "acknowledged"
            ? acknowledged?.by
            : null;
    return by ? `${state} · ${by.who}` : state;
}
