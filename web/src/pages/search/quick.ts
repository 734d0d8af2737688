// What an investigator asks most: times and things of one stroke. Pure: the station's clock is handed in.

import type { Name } from "../../lib/language.svelte";
import { addDays, weekdayOf, type Question, type StationClock } from "./question";

export interface Quick {
    id: string;
    name: Name;
    change: Partial<Question>;
}

const WEEKDAYS: Name[] = [
    { zh: "周一", en: "Mon" },
    { zh: "周二", en: "Tue" },
    { zh: "周三", en: "Wed" },
    { zh: "周四", en: "Thu" },
    { zh: "周五", en: "Fri" },
    { zh: "周六", en: "Sat" },
    { zh: "周日", en: "Sun" },
];
const HOUR_MS = 3_600_000;

/** Times, the nearest first. Each sets all there is of time, so that none is left over from another one. */
export function quickTimes(now: number, clock: StationClock): Quick[] {
    const today = clock.day(now);
    const when = (id: string, zh: string, en: string, change: Partial<Question>): Quick => ({
        id,
        name: { zh, en },
        change: { from: "", to: "", time_of_day: [], day: [], ...change },
    });
    const days = [2, 3, 4, 5, 6, 7].map((back) => {
        const date = addDays(today, -back);
        const weekday = WEEKDAYS[weekdayOf(date)] ?? { zh: "", en: "" };
        const short = date.slice(5);
        return when(`day-${back}`, `${weekday.zh} ${short}`, `${weekday.en} ${short}`, { from: date, to: date });
    });
    const night = ["22:00-05:00"];
    return [
        // An instant: in the hour that comes twice, the clock alone would not say which one.
        when("hour", "近 1 小时", "Last hour", { from: instant(now - HOUR_MS) }),
        when("today", "今天", "Today", { from: today, to: today }),
        when("night", "昨夜 22–05 点", "Last night 22–05", {
            from: `${addDays(today, -1)}T22:00`,
            to: `${today}T05:00`,
        }),
        when("yesterday", "昨天", "Yesterday", { from: addDays(today, -1), to: addDays(today, -1) }),
        ...days,
        when("week", "近 7 天", "Last 7 days", { from: addDays(today, -6), to: today }),
        when("nights", "近 7 天夜间", "Nights of 7 days", { from: addDays(today, -6), to: today, time_of_day: night }),
    ];
}

function instant(at: number): string {
    return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** Things. */
export const QUICK_THINGS: Quick[] = [
    { id: "people", name: { zh: "人", en: "People" }, change: { class: ["person"] } },
    { id: "cars", name: { zh: "小汽车", en: "Cars" }, change: { class: ["car"] } },
    { id: "vans", name: { zh: "面包车、货车", en: "Vans, lorries" }, change: { class: ["car", "truck"] } },
    {
        id: "vehicles",
        name: { zh: "所有机动车", en: "All vehicles" },
        change: { class: ["motorcycle", "car", "bus", "truck"] },
    },
    { id: "two-wheels", name: { zh: "两轮车", en: "Two wheels" }, change: { class: ["bicycle", "motorcycle"] } },
    { id: "animals", name: { zh: "牲畜、狗", en: "Animals" }, change: { class: ["dog", "horse", "sheep", "cow"] } },
];

/** Whether the question is just what the choice makes of it. */
export function isChosen(question: Question, quick: Quick): boolean {
    return Object.entries(quick.change).every(([name, value]) => {
        const asked = question[name as keyof Question];
        return Array.isArray(value) ? sameSet(value, asked as string[]) : asked === value;
    });
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
    return a.length === b.length && a.every((value) => b.includes(value));
}
