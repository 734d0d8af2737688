// What a camera's figures and causes are called, for the table, the tiles, the pane and the maintainer's list alike.

import { currentLanguage, named, speak } from "../../lib/language.svelte";
import { duration } from "../../lib/time.svelte";
import { word } from "../../lib/words";
import { adviceOn, adviceOnSilence } from "./advice";
import { SKEWED } from "./filter";
import { isSkewed, streams, type Health, type Seen } from "./state";

const words = speak(
    {
        and: "、",
        skewed: "时钟偏差",
        ahead: (by: string) => `快 ${by}`,
        behind: (by: string) => `慢 ${by}`,
        exact: "准",
        always: "逐帧分析",
        sparse: (every: string) => `每 ${every}看一眼`,
        woken: "有动静才看",
        off: "不分析",
        silent: "码流少有征兆",
        maintenance: "人为停用",
        silence: "尚未上报",
        recordAlways: "一直录",
        recordAlerts: "告警时录",
        recordOff: "不录",
        standing: (k: number, n: number) => `${k}/${n} 在线`,
    },
    {
        and: ", ",
        skewed: "clock is off",
        ahead: (by: string) => `${by} ahead`,
        behind: (by: string) => `${by} behind`,
        exact: "right",
        always: "every frame",
        sparse: (every: string) => `a look every ${every}`,
        woken: "when it stirs",
        off: "not analysed",
        silent: "stream says little",
        maintenance: "out of service",
        silence: "not heard of yet",
        recordAlways: "always",
        recordAlerts: "at alerts",
        recordOff: "off",
        standing: (k: number, n: number) => `${k} of ${n} streaming`,
    },
);

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** All that is wrong with it, in one line; empty where nothing is. */
export function causeOf(one: Seen): string {
    const reasons = one.health?.reasons ?? [];
    const all = reasons.map((reason) => word("REASON", reason));
    if (isSkewed(one.health) && !reasons.includes("clock")) all.push(words().skewed);
    if (one.state === "maintenance") all.push(words().maintenance);
    if (one.state === "unknown") all.push(words().silence);
    return all.join(words().and);
}

/** What to do about it: about the first cause that we have a word on. */
export function adviceFor(one: Seen): string {
    if (one.state === "unknown") return named(adviceOnSilence());
    const reasons: string[] = [...(one.health?.reasons ?? [])];
    if (isSkewed(one.health) && !reasons.includes("clock")) reasons.push("clock");
    return named(reasons.map(adviceOn).find((advice) => advice !== null) ?? null);
}

/** Each cause with its own advice, for the pane. */
export function advices(one: Seen): { cause: string; advice: string }[] {
    const reasons: string[] = [...(one.health?.reasons ?? [])];
    if (isSkewed(one.health) && !reasons.includes("clock")) reasons.push("clock");
    return reasons.map((reason) => ({ cause: word("REASON", reason), advice: named(adviceOn(reason)) }));
}

export function causeName(cause: string): string {
    return cause === SKEWED ? words().skewed : word("REASON", cause);
}

/** `12.5`; nothing where it does not stream. */
export function fpsOf({ health, state }: Seen): string {
    return health && streams(state) ? health.fps.toFixed(1) : "";
}

/** `512`, kilobits a second. */
export function kbpsOf({ health, state }: Seen): string {
    return health && streams(state) ? WHOLE.format(health.kbps) : "";
}

/** `+0.3 s`, `-1 h`: the camera's clock against the arrival of its pictures. */
export function skewOf(health: Health | null): string {
    const ms = health?.clock_skew_ms;
    if (ms == null) return "";
    const s = Math.abs(ms) / 1000;
    const sign = s < 0.05 ? "" : ms < 0 ? "−" : "+";
    return s < 60
        ? `${sign}${s.toFixed(1)} ${currentLanguage() === "zh" ? "秒" : "s"}`
        : `${sign}${duration(s * 1000)}`;
}

/** The same for a sentence: `3 s ahead`. */
export function skewInWords(health: Health | null): string {
    const ms = health?.clock_skew_ms;
    if (ms == null) return "";
    if (Math.abs(ms) < 500) return words().exact;
    return ms > 0 ? words().ahead(duration(ms)) : words().behind(duration(-ms));
}

export function watchedOf(health: Health | null): string {
    const attention = health?.attention;
    if (!attention) return "";
    if (attention.mode !== "sparse") return attention.mode === "always" ? words().always : words().off;
    return attention.look_every_s ? words().sparse(duration(attention.look_every_s * 1000)) : words().woken;
}

/** Whether its stream gives no cause to look at it, so that only the clock does. */
export function streamHint(health: Health | null): string {
    return health?.attention?.stream === "says-little" ? words().silent : "";
}

export function recordOf(record: string): string {
    return record === "always" ? words().recordAlways : record === "alerts" ? words().recordAlerts : words().recordOff;
}

export function standingOf(streaming: number, declared: number): string {
    return words().standing(streaming, declared);
}

/** `北口 · 上村` */
export function placeOf({ camera }: Seen): string {
    return `${named(camera.village.name)} · ${named(camera.entry_point.name)}`;
}
