// What is asked of the index of clips, as it stands in the page's address. Pure: the station's clock is handed in.
//
// The address has the members of `/api/v1/clips`, so that any page can lead here: `#/search?village=upper&class=car,truck`.

export const CLASSES = [
    "person",
    "bicycle",
    "motorcycle",
    "car",
    "bus",
    "truck",
    "dog",
    "horse",
    "sheep",
    "cow",
] as const;
export const LEVELS = ["ring", "block", "line", "point"] as const;
export const DIRECTIONS = ["in", "out"] as const;
export const LIGHTS = ["day", "night"] as const;
export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export const KINDS = [
    "line-cross",
    "zone-enter",
    "zone-leave",
    "wrong-way",
    "dwell",
    "vehicle-stopped",
    "crowd",
    "livestock",
    "night-passage",
    "watch-hit",
] as const;

/** A question. Lists that are empty ask for everything. */
export interface Question {
    village: string[];
    entry_point: string[];
    camera: string[];
    level: string[];
    zone: string[];
    line: string[];
    /** `2026-03-09`, `2026-03-09T18:04` by the station's clock, or an instant of RFC 3339; empty where it is open. */
    from: string;
    /** As `from`; a day is included, a time is not. */
    to: string;
    /** `22:00-05:00`; the end may lie on the next day. */
    time_of_day: string[];
    day: string[];
    class: string[];
    direction: string[];
    kind: string[];
    light: string[];
    /** 0 to 1. */
    confidence_min: number;
    order: "newest" | "oldest";
}

/** What the station's clock says. */
export interface StationClock {
    /** The instant at which it shows this. */
    at: (date: string, time: string) => Date;
    /** The day that it shows. */
    day: (at: number) => string;
    /** `18:04`. */
    time: (at: number) => string;
}

export const EVERYTHING: Question = {
    village: [],
    entry_point: [],
    camera: [],
    level: [],
    zone: [],
    line: [],
    from: "",
    to: "",
    time_of_day: [],
    day: [],
    class: [],
    direction: [],
    kind: [],
    light: [],
    confidence_min: 0,
    order: "newest",
};

const SLUG = /^[a-z0-9][a-z0-9-]{0,47}$/;
const TIMES = /^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const CIVIL = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2})?)$/;

type List = {
    [Name in keyof Question]: Question[Name] extends string[] ? Name : never;
}[keyof Question];

const LISTS: Record<List, readonly string[] | RegExp> = {
    village: SLUG,
    entry_point: SLUG,
    camera: SLUG,
    level: LEVELS,
    zone: SLUG,
    line: SLUG,
    time_of_day: TIMES,
    day: DAYS,
    class: CLASSES,
    direction: DIRECTIONS,
    kind: KINDS,
    light: LIGHTS,
};
const NAMES = Object.keys(LISTS) as List[];

/** Whether the address asks anything: `#/search` alone does not. */
export function isAsked(parameters: URLSearchParams): boolean {
    return [...NAMES, "from", "to", "confidence_min", "order"].some((name) => parameters.has(name));
}

/** Reads an address; what makes no sense in it is left out. Several values are separated by commas, or the name is repeated. */
export function readQuestion(parameters: URLSearchParams): Question {
    const question: Question = structuredClone(EVERYTHING);
    for (const name of NAMES) {
        const allowed = LISTS[name];
        const makesSense = (text: string) => (allowed instanceof RegExp ? allowed.test(text) : allowed.includes(text));
        const values = parameters.getAll(name).flatMap((text) => text.split(","));
        question[name] = [...new Set(values.filter(makesSense))];
    }
    question.from = moment(parameters.get("from"));
    question.to = moment(parameters.get("to"));
    const confidence = Number(parameters.get("confidence_min"));
    if (confidence > 0 && confidence <= 1) question.confidence_min = confidence;
    if (parameters.get("order") === "oldest") question.order = "oldest";
    return question;
}

function moment(text: string | null): string {
    if (text === null) return "";
    if (!DAY.test(text) && !CIVIL.test(text) && !/T.*(Z|[+-]\d{2}:\d{2})$/.test(text)) return "";
    return Number.isNaN(Date.parse(text)) ? "" : text;
}

/** What stands in the address: always the order, so that a question for everything is a question. */
export function writeQuestion(question: Question): Record<string, string> {
    const written: Record<string, string> = {};
    for (const name of NAMES) if (question[name].length > 0) written[name] = question[name].join(",");
    if (question.from) written["from"] = question.from;
    if (question.to) written["to"] = question.to;
    if (question.confidence_min > 0) written["confidence_min"] = String(question.confidence_min);
    return { ...written, order: question.order };
}

/** The members of `/api/v1/clips`: times by the station's clock become instants, days stay days. */
export function askServer(question: Question, clock: StationClock): Record<string, string> {
    const asked = writeQuestion(question);
    for (const name of ["from", "to"] as const) {
        const [, date, time] = CIVIL.exec(question[name]) ?? [];
        if (date && time) asked[name] = clock.at(date, time).toISOString();
    }
    return asked;
}

/** The day and the time (empty for a whole day) by the station's clock: what stands in the two fields. */
export function fieldsOf(text: string, clock: StationClock): { date: string; time: string } {
    if (text === "") return { date: "", time: "" };
    if (DAY.test(text)) return { date: text, time: "" };
    const [, date, time] = CIVIL.exec(text) ?? [];
    if (date && time) return { date, time };
    const at = Date.parse(text);
    return { date: clock.day(at), time: clock.time(at) };
}

/** The other way round. A time without a day says nothing. */
export function fromFields(date: string, time: string): string {
    if (date === "") return "";
    return time === "" ? date : `${date}T${time}`;
}

/** Milliseconds of 1970, from its first to the first behind it; `null` where that side is open. */
export function span(question: Question, clock: StationClock): { from: number | null; to: number | null } {
    return { from: edge(question.from, clock, 0), to: edge(question.to, clock, 1) };
}

function edge(text: string, clock: StationClock, daysOn: number): number | null {
    if (text === "") return null;
    if (DAY.test(text)) return clock.at(addDays(text, daysOn), "00:00").getTime();
    const [, date, time] = CIVIL.exec(text) ?? [];
    return date && time ? clock.at(date, time).getTime() : Date.parse(text);
}

/** Another day of the calendar. */
export function addDays(date: string, days: number): string {
    const at = new Date(`${date}T00:00:00Z`);
    at.setUTCDate(at.getUTCDate() + days);
    return at.toISOString().slice(0, 10);
}

/** 0 for a Monday. */
export function weekdayOf(date: string): number {
    return (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
}
