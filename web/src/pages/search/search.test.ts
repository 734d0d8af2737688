import { describe, expect, it, vi } from "vitest";

vi.hoisted(() => vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined }));

import { atStation, hourMinute, isoDay, setZone } from "../../lib/time.svelte";
import { coverageOf, effectOfGap, merged, stretchesOf, within } from "./coverage";
import { camerasOf, matching, placesOf, type BoardCamera } from "./places";
import {
    addDays,
    askServer,
    EVERYTHING,
    fieldsOf,
    fromFields,
    isAsked,
    readQuestion,
    span,
    weekdayOf,
    writeQuestion,
    type Question,
} from "./question";
import { isChosen, QUICK_THINGS, quickTimes } from "./quick";
import { scrollTo, step, windowOf } from "./window";

const clock = { at: atStation, day: isoDay, time: hourMinute };
const read = (text: string) => readQuestion(new URLSearchParams(text));
const ask = (change: Partial<Question>): Question => ({ ...EVERYTHING, ...change });
const iso = (ms: number | null | undefined) => (ms == null ? null : new Date(ms).toISOString());

describe("the address", () => {
    it("is read as it was written", () => {
        const question = ask({
            village: ["upper", "lower"],
            camera: ["north-gate"],
            from: "2026-03-09",
            to: "2026-03-11T05:00",
            time_of_day: ["22:00-05:00", "12:00-13:30"],
            day: ["tue"],
            class: ["car", "truck"],
            direction: ["out"],
            light: ["night"],
            confidence_min: 0.6,
            order: "oldest",
        });
        expect(readQuestion(new URLSearchParams(writeQuestion(question)))).toEqual(question);
        expect(read("")).toEqual(EVERYTHING);
    });
    it("takes values in commas and repeated, each once", () => {
        expect(read("class=car,truck&class=bus&class=car").class).toEqual(["car", "truck", "bus"]);
    });
    it("leaves out what makes no sense", () => {
        const question = read(
            "class=face,car&camera=UP/../x,north-gate&from=9%20March&to=2026-13-45&time_of_day=2-4&confidence_min=60&day=x&order=x",
        );
        expect(question).toEqual(ask({ class: ["car"], camera: ["north-gate"] }));
    });
    it("asks nothing where it is bare, and everything where it says an order", () => {
        expect(isAsked(new URLSearchParams("clip=x"))).toBe(false);
        expect(isAsked(new URLSearchParams(writeQuestion(EVERYTHING)))).toBe(true);
    });
});

describe("times", () => {
    it("go to the server as instants, days as days", () => {
        setZone("Asia/Shanghai");
        const asked = askServer(ask({ from: "2026-03-09T18:04", to: "2026-03-11" }), clock);
        expect(asked).toMatchObject({ from: "2026-03-09T10:04:00.000Z", to: "2026-03-11", order: "newest" });
        expect(askServer(ask({ from: "2026-03-09T10:04:05Z" }), clock)["from"]).toBe("2026-03-09T10:04:05Z");
    });
    it("stand in two fields", () => {
        setZone("Asia/Shanghai");
        expect(fieldsOf("2026-03-09T18:04", clock)).toEqual({ date: "2026-03-09", time: "18:04" });
        expect(fieldsOf("2026-03-09T18:04:00Z", clock)).toEqual({ date: "2026-03-10", time: "02:04" });
        expect(fromFields("2026-03-09", "")).toBe("2026-03-09");
        expect(fromFields("", "18:04")).toBe("");
    });
    it("a day ends where the next one begins, also where a clock is set", () => {
        setZone("Europe/Berlin");
        const { from, to } = span(ask({ from: "2026-03-29", to: "2026-03-29" }), clock);
        expect((to ?? 0) - (from ?? 0)).toBe(23 * 3_600_000);
        expect(iso(from)).toBe("2026-03-28T23:00:00.000Z");
    });
    it("days of the calendar", () => {
        expect(addDays("2026-03-01", -1)).toBe("2026-02-28");
        expect(addDays("2024-12-31", 1)).toBe("2025-01-01");
        expect([weekdayOf("2026-03-09"), weekdayOf("2026-03-15")]).toEqual([0, 6]);
    });
});

describe("quick choices", () => {
    const chosen = (zone: string, now: string, id: string) => {
        setZone(zone);
        return quickTimes(Date.parse(now), clock).find((quick) => quick.id === id)?.change;
    };
    it("go by the station's day, not by ours", () => {
        // 01:30 of the 11th in Shanghai is still the 10th in London.
        expect(chosen("Asia/Shanghai", "2026-03-10T17:30:00Z", "today")).toMatchObject({
            from: "2026-03-11",
            to: "2026-03-11",
        });
        expect(chosen("Europe/London", "2026-03-10T17:30:00Z", "today")).toMatchObject({ from: "2026-03-10" });
    });
    it("last Tuesday is named by its day", () => {
        setZone("Asia/Shanghai");
        const tuesday = quickTimes(Date.parse("2026-03-13T04:00:00Z"), clock).find(({ name }) =>
            name.zh.startsWith("周二"),
        );
        expect(tuesday).toMatchObject({
            name: { zh: "周二 03-10", en: "Tue 03-10" },
            change: { from: "2026-03-10", to: "2026-03-10" },
        });
    });
    it("last night is an hour shorter where summer begins, an hour longer where it ends", () => {
        for (const [now, hours] of [
            ["2026-03-29T08:00:00Z", 6],
            ["2026-03-30T08:00:00Z", 7],
            ["2026-10-25T08:00:00Z", 8],
        ] as const) {
            const { from, to } = span(ask(chosen("Europe/Berlin", now, "night") ?? {}), clock);
            expect(((to ?? 0) - (from ?? 0)) / 3_600_000, now).toBe(hours);
        }
    });
    it("the last hour is one even in the hour that comes twice", () => {
        const now = "2026-10-25T01:30:00Z";
        const { from } = span(ask(chosen("Europe/Berlin", now, "hour") ?? {}), clock);
        expect(Date.parse(now) - (from ?? 0)).toBe(3_600_000);
    });
    it("leave nothing of another choice behind", () => {
        setZone("Asia/Shanghai");
        const times = quickTimes(Date.parse("2026-03-13T04:00:00Z"), clock);
        const nights = times.find(({ id }) => id === "nights");
        const today = times.find(({ id }) => id === "today");
        if (!nights || !today) throw new Error("they are there");
        const question = { ...EVERYTHING, ...nights.change, ...today.change };
        expect(isChosen(question, today)).toBe(true);
        expect(isChosen(question, nights)).toBe(false);
    });
    it("vans are cars and lorries, in whichever order", () => {
        const vans = QUICK_THINGS.find(({ id }) => id === "vans");
        expect(vans && isChosen(ask({ class: ["truck", "car"] }), vans)).toBe(true);
        expect(vans && isChosen(ask({ class: ["car"] }), vans)).toBe(false);
    });
});

const camera = (id: string, village: string, gate: string, level = "line"): BoardCamera =>
    ({
        id,
        name: { zh: `${id}号`, en: id },
        village: { id: village, name: { zh: `${village}村`, en: village } },
        entry_point: { id: gate, name: { zh: `${gate}门`, en: gate } },
        level,
    }) as BoardCamera;
const CAMERAS = [
    camera("b-2", "upper", "north"),
    camera("b-10", "upper", "north"),
    camera("c", "lower", "south", "ring"),
];

describe("places", () => {
    it("are villages, gates, and cameras in the order of numbers", () => {
        const places = placesOf(CAMERAS, "en");
        expect(places.map(({ id }) => id)).toEqual(["lower", "upper"]);
        expect(places[1]?.gates[0]?.cameras.map(({ id }) => id)).toEqual(["b-2", "b-10"]);
    });
    it("are found by either language", () => {
        const places = placesOf(CAMERAS, "zh");
        expect(matching(places, "upper村")).toHaveLength(1);
        expect(matching(places, "B-10")[0]?.gates[0]?.cameras.map(({ id }) => id)).toEqual(["b-10"]);
        expect(matching(places, "nowhere")).toEqual([]);
        expect(matching(places, " ")).toHaveLength(2);
    });
    it("narrow each other down", () => {
        const ids = (change: Partial<Question>) => camerasOf(ask(change), CAMERAS).map(({ id }) => id);
        expect(ids({})).toHaveLength(3);
        expect(ids({ village: ["upper"], level: ["ring"] })).toEqual([]);
        expect(ids({ level: ["ring"] })).toEqual(["c"]);
    });
});

describe("what was not covered", () => {
    const now = Date.parse("2026-03-12T00:00:00Z");
    it("searched stretches follow days and times of day", () => {
        setZone("Asia/Shanghai");
        const question = ask({ from: "2026-03-09", to: "2026-03-10", time_of_day: ["22:00-05:00"], day: ["mon"] });
        expect(stretchesOf(question, clock, 0, now).map(({ from, to }) => [iso(from), iso(to)])).toEqual([
            ["2026-03-08T16:00:00.000Z", "2026-03-08T21:00:00.000Z"],
            ["2026-03-09T14:00:00.000Z", "2026-03-09T16:00:00.000Z"],
        ]);
        expect(stretchesOf(ask({ from: "2026-04-01" }), clock, 0, now)).toEqual([]);
        expect(stretchesOf(EVERYTHING, clock, now - 5, now)).toEqual([{ from: now - 5, to: now }]);
        const shut = ask({ from: "2026-03-09T10:00", to: "2026-03-09T11:00", time_of_day: ["12:00-13:00"] });
        expect(stretchesOf(shut, clock, 0, now)).toEqual([]);
    });
    it("overlaps count once", () => {
        const stretches = merged([
            { from: 10, to: 20 },
            { from: 0, to: 12 },
            { from: 30, to: 40 },
        ]);
        expect(stretches).toEqual([
            { from: 0, to: 20 },
            { from: 30, to: 40 },
        ]);
        expect(within(5, 35, stretches)).toBe(20);
    });
    it("adds up by camera, the worst first, and tells blind from unrecorded", () => {
        const at = (s: number) => new Date(s * 1000).toISOString();
        const stretches = [{ from: 0, to: 100_000 }];
        const fault = (camera: string, from: number, to: number, cause: string) => ({
            camera,
            from: at(from),
            to: at(to),
            cause,
        });
        const coverage = coverageOf(
            ["a", "b", "c"],
            stretches,
            [fault("a", 90, 200, "offline"), fault("b", 0, 50, "quiet"), fault("x", 0, 50, "offline")],
            [
                { ...fault("a", 0, 30, "detector-behind"), what: "not-analysed" },
                { ...fault("b", 0, 5, "detector-behind"), what: "reduced" },
            ],
        );
        expect(coverage.cameras.map(({ camera }) => camera)).toEqual(["a", "b"]);
        expect(coverage.cameras[0]).toMatchObject({ blindMs: 40_000, dimMs: 0, unrecordedMs: 0 });
        expect(coverage.cameras[0]?.causes.map(({ cause }) => cause)).toEqual(["detector-behind", "offline"]);
        expect(coverage).toMatchObject({ searchedMs: 100_000, blindMs: 40_000, dimMs: 5_000, unrecordedMs: 50_000 });
        expect(effectOfGap("quiet")).toBe("unrecorded");
    });
});

describe("the grid", () => {
    const measures = { width: 1000, height: 600, scrolled: 0, count: 5000, cardMin: 220, gap: 12, below: 60 };
    it("draws what is seen and little more", () => {
        const window = windowOf({ ...measures, scrolled: 40_000 });
        expect(window.columns).toBe(4);
        expect(window.last - window.first).toBeLessThan(40);
        expect(window.top).toBeLessThanOrEqual(40_000);
        expect(window.first % window.columns).toBe(0);
        expect((window.last / window.columns) * window.row).toBeGreaterThanOrEqual(40_600);
    });
    it("holds on the narrowest phone, with nothing, and scrolled too far", () => {
        expect(windowOf({ ...measures, width: 100 }).columns).toBe(1);
        expect(windowOf({ ...measures, count: 0 })).toMatchObject({ first: 0, last: 0, total: 0 });
        const far = windowOf({ ...measures, count: 9, scrolled: 99_999 });
        expect(far.first).toBe(8);
        expect(far.last).toBe(9);
    });
    it("goes where the keys lead", () => {
        expect(step("ArrowRight", 0, 4, 10)).toBe(1);
        expect(step("ArrowLeft", 0, 4, 10)).toBe(0);
        expect(step("ArrowDown", 7, 4, 10)).toBe(9);
        expect(step("ArrowDown", 8, 4, 10)).toBe(8);
        expect(step("ArrowUp", 5, 4, 10)).toBe(1);
        expect(step("End", 0, 4, 10)).toBe(9);
        expect(step("x", 0, 4, 10)).toBe(null);
    });
    it("scrolls no further than it has to", () => {
        const window = windowOf(measures);
        expect(scrollTo(0, window, 0, 600)).toBe(null);
        expect(scrollTo(0, window, 50, 600)).toBe(0);
        expect(scrollTo(400, window, 0, 600)).toBe(100 * window.row + window.card - 600);
    });
});
