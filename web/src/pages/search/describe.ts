// A question to the index in words, as it is asked and as it stands in the audit log. Pure: names and times are handed in.

import type { Language } from "../../lib/language.svelte";

/** How things are called in the language of the page. */
export interface Speech {
    language: Language;
    /** A word of `lib/words.ts`. */
    word: (table: "CLASS" | "DIRECTION" | "LEVEL" | "KIND", key: string) => string;
    camera: (id: string) => string;
    gate: (id: string) => string;
    village: (id: string) => string;
    /** A moment or a day, as the server reads it. */
    moment: (text: string) => string;
}

const DAYS: Record<string, [string, string]> = {
    mon: ["周一", "Monday"],
    tue: ["周二", "Tuesday"],
    wed: ["周三", "Wednesday"],
    thu: ["周四", "Thursday"],
    fri: ["周五", "Friday"],
    sat: ["周六", "Saturday"],
    sun: ["周日", "Sunday"],
};

/** `北门、南门；2026-03-09 至 2026-03-10；汽车、货车；出村`. What asks for nothing is everything. */
export function describeQuestion(pairs: readonly (readonly [string, string])[], speech: Speech): string {
    const zh = speech.language === "zh";
    const values = (name: string) =>
        pairs.filter(([known]) => known === name).flatMap(([, text]) => text.split(",").filter(Boolean));
    const list = (name: string, say: (value: string) => string) =>
        values(name)
            .map(say)
            .join(zh ? "、" : ", ");
    const [from = ""] = values("from");
    const [to = ""] = values("to");
    const [confidence = ""] = values("confidence_min");
    const light = (value: string) => (value === "night" ? (zh ? "夜间" : "at night") : zh ? "白天" : "by day");
    const [clip = ""] = values("clip");
    const parts = [
        clip && (zh ? `片段 ${clip}` : `clip ${clip}`),
        [list("village", speech.village), list("entry_point", speech.gate), list("camera", speech.camera)]
            .filter(Boolean)
            .join(zh ? "、" : ", "),
        list("level", (value) => speech.word("LEVEL", value)),
        list("zone", (value) => (zh ? `区域 ${value}` : `zone ${value}`)),
        list("line", (value) => (zh ? `线 ${value}` : `line ${value}`)),
        range(from && speech.moment(from), to && speech.moment(to), zh),
        list("day", (value) => DAYS[value]?.[zh ? 0 : 1] ?? value),
        list("time_of_day", (value) => value.replace("-", "–")),
        list("class", (value) => speech.word("CLASS", value)),
        list("direction", (value) => speech.word("DIRECTION", value)),
        list("light", light),
        list("kind", (value) => speech.word("KIND", value)),
        confidence && (zh ? `可信度 ≥ ${percent(confidence)}` : `at least ${percent(confidence)} sure`),
    ].filter(Boolean);
    return parts.length > 0 ? parts.join(zh ? "；" : "; ") : zh ? "所有记录" : "everything on record";
}

/** From then till then; the day of the second is left out where it is that of the first. */
export function range(from: string, to: string, zh: boolean): string {
    if (from && from === to) return from;
    const till = from.length > 10 && to.startsWith(from.slice(0, 11)) ? to.slice(11) : to;
    if (from && to) return zh ? `${from} 至 ${till}` : `${from} to ${till}`;
    if (from) return zh ? `${from} 起` : `from ${from}`;
    return to && (zh ? `${to} 之前` : `until ${to}`);
}

function percent(share: string): string {
    return `${Math.round(Number(share) * 100)}%`;
}
