// Times as the station's clock on the wall shows them, and how long ago.

import { currentLanguage } from "./language.svelte";

let zone = $state("UTC");
let now = $state(Date.now());
/** The server's clock minus ours, milliseconds. */
let offset = 0;

setInterval(() => {
    now = Date.now() + offset;
}, 1000);

export function setZone(iana: string): void {
    zone = iana;
}

/** The server's clock is what counts: deadlines are its. */
export function setServerTime(iso: string): void {
    offset = Date.parse(iso) - Date.now();
    now = Date.now() + offset;
}

export function stationZone(): string {
    return zone;
}

/** Unix milliseconds; moves each second, so what reads it is drawn anew. */
export function currentTime(): number {
    return now;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const language = currentLanguage() === "zh" ? "zh-CN" : "en-GB";
    const key = `${language} ${zone} ${JSON.stringify(options)}`;
    let made = formats.get(key);
    if (!made) {
        made = new Intl.DateTimeFormat(language, { timeZone: zone, hourCycle: "h23", ...options });
        formats.set(key, made);
    }
    return made;
}

type Moment = string | number | Date;

/** 18:04:05 */
export function clockTime(at: Moment): string {
    return format({ hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(at));
}

/** 18:04 */
export function hourMinute(at: Moment): string {
    return format({ hour: "2-digit", minute: "2-digit" }).format(new Date(at));
}

/** 03-09, with its weekday. */
export function day(at: Moment): string {
    return format({ month: "2-digit", day: "2-digit", weekday: "short" }).format(new Date(at));
}

/** 2026-03-09 18:04:05 */
export function dateTime(at: Moment): string {
    return `${isoDay(at)} ${clockTime(at)}`;
}

/** 2026-03-09, of the station's day. */
export function isoDay(at: Moment): string {
    const key = `iso ${zone}`;
    let made = formats.get(key);
    if (!made) {
        made = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" });
        formats.set(key, made);
    }
    return made.format(new Date(at));
}

/** The instant at which the station's clock shows this: `2026-03-09` and `18:04[:05]`. */
export function atStation(date: string, time: string): Date {
    const [year = 0, month = 1, dayOfMonth = 1] = date.split("-").map(Number);
    const [hour = 0, minute = 0, second = 0] = time.split(":").map(Number);
    const wanted = Date.UTC(year, month - 1, dayOfMonth, hour, minute, second);
    // Twice: the first guess may lie on the other side of a change of the clock.
    let guess = wanted;
    for (let round = 0; round < 2; round++) guess -= wallClock(guess) - wanted;
    return new Date(guess);
}

function wallClock(at: number): number {
    const made = new Intl.DateTimeFormat("en-CA", {
        timeZone: zone,
        hourCycle: "h23",
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
    });
    const part = Object.fromEntries(made.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(
        part["year"] ?? 0,
        (part["month"] ?? 1) - 1,
        part["day"] ?? 1,
        part["hour"] ?? 0,
        part["minute"] ?? 0,
        part["second"] ?? 0,
    );
}

/** `5 s`, `3 min`, `2 h 5 min`, `4 d`; `5 秒`, … */
export function duration(ms: number): string {
    const zh = currentLanguage() === "zh";
    const s = Math.max(0, Math.round(ms / 1000));
    if (s < 60) return zh ? `${s} 秒` : `${s} s`;
    const m = Math.floor(s / 60);
    if (m < 60) return zh ? `${m} 分` : `${m} min`;
    const h = Math.floor(m / 60);
    if (h < 48) return zh ? `${h} 小时${m % 60 ? ` ${m % 60} 分` : ""}` : `${h} h${m % 60 ? ` ${m % 60} min` : ""}`;
    return zh ? `${Math.floor(h / 24)} 天` : `${Math.floor(h / 24)} d`;
}

/** How long ago; moves by itself. */
export function ago(at: Moment): string {
    const text = duration(now - new Date(at).getTime());
    return currentLanguage() === "zh" ? `${text}前` : `${text} ago`;
}

/** A countdown such as `9:58`; negative ones begin with `-`. */
export function countdown(ms: number): string {
    const s = Math.round(Math.abs(ms) / 1000);
    return `${ms < 0 ? "-" : ""}${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}
