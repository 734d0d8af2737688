import { describe, expect, it } from "vitest";

import { adviceOn } from "./advice";
import { isNarrow, matcher, readFilter, SKEWED, writeFilter } from "./filter";
import { columnsFor, COLUMNS, grouped, readOrder, sorted, tracks, USUAL, writeOrder, type Column } from "./order";
import { asText, stops } from "./round";
import {
    countStates,
    isSkewed,
    seen,
    stateOf,
    STATES,
    streams,
    worst,
    type BoardCamera,
    type Health,
    type Seen,
} from "./state";
import { itemAt, offsets, scrollTo, visible } from "./window";

type Level = BoardCamera["level"];

function camera(
    id: string,
    village: string,
    gate: string,
    health: Partial<Health> | null,
    level: Level = "line",
): Seen {
    const board: BoardCamera = {
        id,
        name: { zh: `${id}号`, en: `No. ${id}` },
        village: { id: village, name: { zh: `${village}村`, en: village } },
        entry_point: { id: gate, name: { zh: `${gate}口`, en: gate } },
        level,
        maintenance: false,
        record: "always",
        streams: ["main", "sub"],
        watchable: ["sub"],
        analysed: "sub",
        health: null,
        picture_at: null,
    };
    const whole = {
        camera: id,
        state: "online",
        reasons: [],
        detail: null,
        since: "2026-03-09T18:00:00.000Z",
        fps: 10,
        kbps: 200,
        last_frame: null,
        clock_skew_ms: 0,
        ...health,
    } as unknown as Health;
    return seen(board, health ? whole : null);
}

const ALL = [
    camera("a1", "upper", "north", {}),
    camera("a2", "upper", "north", { state: "offline", reasons: ["auth"], since: "2026-03-09T18:05:00.000Z", fps: 0 }),
    camera("a3", "upper", "south", { state: "degraded", reasons: ["dark", "blurred"], fps: 25 }, "ring"),
    camera("b1", "lower", "east", {
        state: "offline",
        reasons: ["timeout"],
        since: "2026-03-09T18:01:00.000Z",
        fps: 0,
    }),
    camera("b2", "lower", "east", { clock_skew_ms: -2500, fps: 12 }),
    camera("b3", "lower", "west", null, "point"),
];
const ids = (all: readonly Seen[]) => all.map((one) => one.camera.id);
const name = (one: Seen) => one.camera.name.zh;
const skewed = (one: Seen) => isSkewed(one.health);

describe("states", () => {
    it("are what was heard, else what is configured", () => {
        expect(stateOf({ maintenance: true }, null)).toBe("maintenance");
        expect(stateOf({ maintenance: false }, undefined)).toBe("unknown");
        expect(ALL.map((one) => one.state)).toEqual(["online", "offline", "degraded", "offline", "online", "unknown"]);
    });

    it("have an order of badness, and two of them stream", () => {
        expect(worst(["online", "maintenance", "degraded"])).toBe("degraded");
        expect(worst([])).toBeNull();
        expect(STATES.filter(streams)).toEqual(["degraded", "online"]);
        expect(countStates(ALL)).toEqual({ offline: 2, degraded: 1, unknown: 1, maintenance: 0, online: 2 });
    });

    it("mark a clock that is off by more than two seconds, either way", () => {
        const off = (ms: number | null) => isSkewed(camera("c", "v", "g", { clock_skew_ms: ms }).health);
        expect([off(2000), off(2001), off(-2001), off(null)]).toEqual([false, true, true, false]);
    });
});

describe("the filter", () => {
    it("comes out of the address as it went in", () => {
        const read = readFilter(new URLSearchParams("state=online,offline,nonsense&village=upper&text=北"));
        expect(read).toEqual({
            states: ["offline", "online"],
            village: "upper",
            entry_point: "",
            level: "",
            cause: "",
            text: "北",
        });
        expect(writeFilter(read)).toEqual({ state: "offline,online", village: "upper", text: "北" });
        expect(isNarrow(read)).toBe(true);
        expect(isNarrow(readFilter(new URLSearchParams()))).toBe(false);
    });

    const find = (query: string) =>
        ids(ALL.filter((one) => matcher(readFilter(new URLSearchParams(query)), skewed)(one)));

    it.each([
        ["", ["a1", "a2", "a3", "b1", "b2", "b3"]],
        ["state=offline&village=upper", ["a2"]],
        ["state=offline,unknown", ["a2", "b1", "b3"]],
        ["level=point", ["b3"]],
        ["entry_point=east", ["b1", "b2"]],
        ["cause=blurred", ["a3"]],
        [`cause=${SKEWED}`, ["b2"]],
        ["text=NO. a2", ["a2"]],
        ["text=２号", ["a2", "b2"]],
        ["text=lower west", ["b3"]],
        ["text=lower north", []],
    ])("finds by %s", (query, found) => expect(find(query)).toEqual(found));

    it("leaves a part out, to say what another choice would show", () => {
        const filter = readFilter(new URLSearchParams("state=offline&village=upper"));
        expect(ids(ALL.filter((one) => matcher(filter, skewed, "states")(one)))).toEqual(["a1", "a2", "a3"]);
        expect(ids(ALL.filter((one) => matcher(filter, skewed, "village")(one)))).toEqual(["a2", "b1"]);
    });
});

describe("the order", () => {
    it("is problems first, what broke last first among them", () => {
        expect(ids(sorted(ALL, USUAL, name))).toEqual(["a2", "b1", "a3", "b3", "b2", "a1"]);
    });

    it.each<[Column, boolean, string[]]>([
        ["fps", false, ["a1", "b2", "a3"]],
        ["fps", true, ["a3", "b2", "a1"]],
        ["cause", false, ["a2", "a3", "b1"]],
        ["cause", true, ["b1", "a3", "a2"]],
    ])("by %s, down %s, has what is not known last", (by, down, first) => {
        expect(ids(sorted(ALL, { by, down }, name)).slice(0, 3)).toEqual(first);
    });

    it.each([...COLUMNS])("by %s loses nobody and does not depend on the order before", (by) => {
        const there = ids(sorted(ALL, { by, down: false }, name));
        expect(ids(sorted([...ALL].reverse(), { by, down: false }, name))).toEqual(there);
        expect([...there].sort()).toEqual(ids(ALL));
    });

    it("is kept in the address, but for the usual one", () => {
        expect(readOrder(writeOrder({ by: "fps", down: true }))).toEqual({ by: "fps", down: true });
        expect(writeOrder(USUAL)).toBe("");
        expect(readOrder("nonsense")).toEqual(USUAL);
        expect(readOrder(null)).toEqual(USUAL);
    });

    it("drops columns where there is no room, and has a track for each that stays", () => {
        expect(columnsFor(1280)).toEqual([...COLUMNS]);
        expect(columnsFor(1000)).not.toContain("watched");
        expect(columnsFor(900)).toEqual(["state", "name", "cause", "since", "fps"]);
        expect(tracks(columnsFor(900), true).match(/px\b|fr\)/g)).toHaveLength(8);
    });
});

describe("groups", () => {
    it("stand where their first camera does, and count all that are declared", () => {
        const shown = sorted(
            ALL.filter(({ state }) => state === "offline"),
            USUAL,
            name,
        );
        const villages = grouped(shown, ALL, "gate");
        expect(villages.map(({ id, declared, streaming, shown: own }) => [id, declared, streaming, ids(own)])).toEqual([
            ["upper", 3, 2, ["a2"]],
            ["lower", 3, 1, ["b1"]],
        ]);
        expect(villages[1]?.gates.map(({ id, declared, streaming }) => [id, declared, streaming])).toEqual([
            ["east", 2, 1],
        ]);
        expect(grouped(shown, ALL, "none")).toEqual([]);
        expect(grouped(shown, ALL, "village")[0]?.gates).toEqual([]);
    });
});

describe("the window", () => {
    const begins = offsets([30, 40, 40, 30, 40]);

    it("finds the item at a height", () => {
        expect(begins).toEqual([0, 30, 70, 110, 140, 180]);
        expect([-5, 0, 29, 30, 109, 110, 179, 999].map((at) => itemAt(begins, at))).toEqual([0, 0, 0, 1, 2, 3, 4, 4]);
    });

    it("draws what is seen, and its margin", () => {
        expect(visible(begins, 75, 30, 0)).toEqual({ from: 2, to: 3 });
        expect(visible(begins, 75, 30, 10)).toEqual({ from: 1, to: 4 });
        expect(visible(begins, 0, 1000, 0)).toEqual({ from: 0, to: 5 });
        expect(visible(offsets([]), 0, 1000, 0)).toEqual({ from: 0, to: 0 });
    });

    it("scrolls no farther than needed", () => {
        expect(scrollTo(begins, 2, 0, 100, 0)).toBe(10);
        expect(scrollTo(begins, 1, 50, 100, 0)).toBe(30);
        expect(scrollTo(begins, 1, 50, 100, 32)).toBe(0);
        expect(scrollTo(begins, 2, 60, 100, 0)).toBeNull();
    });
});

describe("the maintainer's list", () => {
    it("goes village by village, the worst first, with what to do", () => {
        const line = (one: Seen) => ({
            place: one.camera.entry_point.id,
            name: one.camera.name.en,
            id: one.camera.id,
            state: one.state,
            cause: one.health?.reasons.join() ?? "",
            advice: one.health?.reasons.map((reason) => adviceOn(reason)?.en).join() ?? "",
            since: "since",
        });
        const broken = sorted(ALL, USUAL, name).filter((one) => one.state === "offline" || one.state === "degraded");
        const text = asText(
            "Round",
            stops(broken, { line, village: (one) => one.camera.village.id, standing: (id) => `${id}!` }),
        );
        expect(text.split("\n")).toEqual([
            "Round",
            "",
            "upper (upper!)",
            "  [ ] north · No. a2 (a2) · offline · auth · since",
            "      Check the user and password of this camera in the configuration",
            "  [ ] south · No. a3 (a3) · degraded · dark,blurred · since",
            `      ${adviceOn("dark")?.en},${adviceOn("blurred")?.en}`,
            "",
            "lower (lower!)",
            "  [ ] east · No. b1 (b1) · offline · timeout · since",
            "      Check its power, its cable and the port at the switch",
        ]);
    });

    it("has a word on every cause that a camera reports", () => {
        const reasons =
            "auth refused timeout no-keyframe fps-low frozen covered moved dark bright blurred clock undecodable";
        for (const reason of reasons.split(" ")) {
            expect(adviceOn(reason)?.zh, reason).toMatch(/\p{Script=Han}/u);
            expect(adviceOn(reason)?.en, reason).toMatch(/^[A-Z]/);
        }
        expect(adviceOn("something new")).toBeNull();
    });
});
