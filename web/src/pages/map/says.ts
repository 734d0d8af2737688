// How gates stand, in words: on the drawing, in the panes and for who listens to the page.

import { named, speak } from "../../lib/language.svelte";
import { word } from "../../lib/words";
import { standingOf } from "../cameras/says";
import { toneOf, type Standing, type Tone } from "./gates";
import type { DrawnGate } from "./layout";

const words = speak(
    {
        blind: "全部离线",
        partly: "部分在线",
        degraded: "画面异常",
        bare: "未装摄像机",
        unknown: "尚未上报",
        maintenance: "检修中，无人看守",
        online: "正常",
        alerts: (n: number) => `${n} 条未结告警`,
        and: "，",
    },
    {
        blind: "blind: all offline",
        partly: "partly watched",
        degraded: "picture degraded",
        bare: "has no camera",
        unknown: "not heard of yet",
        maintenance: "in maintenance, not watched",
        online: "watched",
        alerts: (n: number) => `${n} open alerts`,
        and: ", ",
    },
);

export function toneName(tone: Tone): string {
    return words()[tone];
}

/** `北口，线，部分在线，1/2 在线，3 条未结告警` */
export function gateInWords(gate: DrawnGate, standing: Standing): string {
    const parts = [named(gate.name), word("LEVEL", gate.level), toneName(toneOf(standing))];
    if (standing.declared > 0) parts.push(standingOf(standing.streaming, standing.declared));
    if (standing.alerts.length > 0)
        parts.push(`${words().alerts(standing.alerts.length)} (${word("SEVERITY", standing.severity)})`);
    return parts.join(words().and);
}
