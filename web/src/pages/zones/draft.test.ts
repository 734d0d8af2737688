import { describe, expect, test } from "vitest";

import type { Schemas } from "../../lib/api/client";
import {
    changeRule,
    changeShape,
    draftOf,
    isSame,
    laidOver,
    subjectOf,
    wantedOf,
    withoutShape,
    withRule,
    withShape,
    wrongWith,
    wrongWithRule,
    type Draft,
    type Shape,
} from "./draft";
import { point } from "./geometry";

const RULE: Schemas["camera_rule"] = {
    id: "into",
    kind: "zone-enter",
    severity: "warning",
    name: { zh: "进入", en: "Into" },
    zone: "way",
    line: null,
    direction: null,
    allowed: null,
    classes: ["person"],
    hours: null,
    at_least_s: null,
    height_min: 0,
    confidence_min: 0.4,
    own: true,
};
const ZONES: Schemas["zones"] = {
    base: "b",
    writable: true,
    why: null,
    camera: "north-gate",
    zones: [
        {
            id: "way",
            name: { zh: "路面", en: "The way" },
            area: [
                [0, 0.3],
                [1, 0.3],
                [1, 0.8],
            ],
        },
    ],
    lines: [{ id: "gate", name: { zh: "村口线", en: "Gate" }, a: [0.4, 0.3], b: [0.4, 0.7], inside: "left" }],
    masks: [
        [
            [0, 0],
            [0.1, 0],
            [0.1, 0.1],
        ],
    ],
    rules: [RULE, { ...RULE, id: "shared", kind: "line-cross", zone: null, line: "gate", own: false }],
    hours: ["night"],
};
const TRIANGLE = [point(0.1, 0.1), point(0.4, 0.1), point(0.4, 0.4)];
const find = (draft: Draft, id: string) => draft.shapes.find((shape) => shape.id === id) as Shape;

test("what is not touched is asked for as it was given", () => {
    const wanted = wantedOf(draftOf(ZONES), "b");
    expect(wanted).toEqual({
        base: "b",
        zones: ZONES.zones,
        lines: ZONES.lines,
        masks: ZONES.masks,
        rules: [RULE],
    });
    expect(isSame(draftOf(ZONES), draftOf(ZONES))).toBe(true);
});

describe("names and ids", () => {
    test("the id of what is new follows its name, and its rules follow the id", () => {
        let [draft, shape] = withShape(draftOf(ZONES), "zone", TRIANGLE);
        expect(shape).toMatchObject({ id: "zone-1", name: { zh: "区域1", en: "Zone 1" } });
        draft = withRule(draft, shape)[0];
        expect(draft.rules.at(-1)).toMatchObject({
            id: "north-gate-enters-zone-1",
            zone: "zone-1",
            kind: "zone-enter",
            own: true,
        });
        draft = changeShape(draft, shape.key, { name: { zh: "田", en: "The way" } });
        expect(find(draft, "the-way").name.zh).toBe("田");
        expect(draft.rules.at(-1)?.zone).toBe("the-way");
        draft = changeShape(draft, shape.key, { name: { zh: "田", en: "Way" } });
        expect(draft.shapes.at(-1)?.id).toBe("way-2");
    });

    test("the id of what is in the file stays", () => {
        const draft = changeShape(draftOf(ZONES), "zone-way", { name: { zh: "路", en: "Another" } });
        expect(find(draft, "way").name.en).toBe("Another");
    });

    test("a name in one language serves for both, the id where there is none", () => {
        let [draft, shape] = withShape(draftOf(ZONES), "zone", TRIANGLE);
        draft = changeShape(draft, shape.key, { name: { zh: " 田 ", en: "" } });
        expect(wantedOf(draft, "b").zones[1]).toMatchObject({ id: "zone-1", name: { zh: "田", en: "田" } });
        draft = changeShape(draft, shape.key, { name: { zh: "", en: "" } });
        expect(wantedOf(draft, "b").zones[1]?.name).toEqual({ zh: "zone-1", en: "zone-1" });
    });
});

describe("rules", () => {
    test("a kind has its fields and no other ones", () => {
        let [draft, rule] = withRule(draftOf(ZONES), find(draftOf(ZONES), "gate"));
        expect(rule).toMatchObject({ kind: "line-cross", line: "gate", zone: null, direction: "in" });
        draft = changeRule(draft, rule.key, { kind: "wrong-way" });
        expect(draft.rules.at(-1)).toMatchObject({
            line: "gate",
            direction: null,
            allowed: "out",
            id: "north-gate-crosses-gate-the-wrong-way",
        });
        draft = changeRule(draft, rule.key, { kind: "dwell" });
        expect(draft.rules.at(-1)).toMatchObject({ line: null, zone: null, allowed: null, at_least_s: 60 });
        draft = changeRule(draft, rule.key, { kind: "zone-leave" });
        expect(draft.rules.at(-1)).toMatchObject({ zone: "way", at_least_s: null, name: { zh: "离开路面" } });
    });

    test("a name that somebody gave stays", () => {
        let [draft, rule] = withRule(draftOf(ZONES), null);
        draft = changeRule(draft, rule.key, { name: { zh: "夜里", en: "By night" } });
        draft = changeRule(draft, rule.key, { kind: "dwell" });
        expect(draft.rules.at(-1)).toMatchObject({ id: "north-gate-by-night", name: { zh: "夜里", en: "By night" } });
    });

    test("one that has a Chinese name alone is called by its kind", () => {
        let [draft, rule] = withRule(draftOf(ZONES), null);
        draft = changeRule(draft, rule.key, { name: { zh: "夜里", en: "" } });
        expect(draft.rules.at(-1)?.id).toBe("north-gate-zone-enter-1");
    });

    test("a shared one is not changed, and the shape that it names stays", () => {
        const draft = draftOf(ZONES);
        expect(changeRule(draft, "rule-shared", { severity: "critical" })).toBe(draft);
        expect(withoutShape(draft, "line-gate")).toBe(draft);
        const without = withoutShape(draft, "zone-way");
        expect(without.shapes.map(({ id }) => id)).toEqual(["gate", ""]);
        expect(without.rules.map(({ id }) => id)).toEqual(["shared"]);
    });

    test("what is wrong with one", () => {
        const draft = draftOf(ZONES);
        const [first] = draft.rules;
        if (!first) throw new Error("no rule");
        expect(wrongWithRule(draft, first)).toBeNull();
        expect(wrongWithRule(draft, { ...first, zone: "gone" })).toBe("no-shape");
        expect(wrongWithRule(draft, { ...first, zone: null })).toBeNull();
        expect(wrongWithRule(draft, { ...first, classes: [] })).toBe("no-class");
    });
});

test.each([
    ["zone", TRIANGLE, null],
    ["mask", TRIANGLE.slice(1), "few-corners"],
    ["zone", [...TRIANGLE, point(0.2, 0)], "crosses-itself"],
    ["zone", [point(0.1, 0.1), point(0.11, 0.1), point(0.11, 0.11)], "too-small"],
    ["line", [point(0.1, 0.1), point(0.1, 0.1)], "same-ends"],
    ["line", [point(0.1, 0.1), point(0.1, 0.2)], null],
] as const)("what is wrong with a %s", (kind, points, wrong) => expect(wrongWith({ kind, points })).toBe(wrong));

test.each([
    ["camera.north-gate.zone.way.area", "zone-way"],
    ["camera.north-gate.line.gate", "line-gate"],
    ["camera.north-gate.masks[0]", "mask-0"],
    ["camera.north-gate.masks.0", "mask-0"],
    ["camera.north-gate.zone.gone", null],
    ["rule.into.classes", "rule-into"],
    ["station.id", null],
])("what %s is about", (key, subject) => expect(subjectOf(key, draftOf(ZONES))).toBe(subject));

describe("laid over what somebody else has made of it", () => {
    const base = draftOf(ZONES);
    const move = (draft: Draft, key: string, x: number) =>
        changeShape(draft, key, { points: [point(x, 0.1), point(0.9, 0.2), point(0.9, 0.9)] });

    test("mine where I touched it, theirs everywhere else", () => {
        const theirs = changeShape(move(base, "zone-way", 0.5), "line-gate", { inside: "right" });
        const laid = laidOver(base, move(base, "zone-way", 0.7), theirs);
        expect(find(laid, "way").points[0]?.x).toBe(0.7);
        expect(find(laid, "gate").inside).toBe("right");
        expect(laidOver(base, base, theirs)).toEqual(theirs);
    });

    test("what I took away is gone, what they added is there, what they took away while I changed it comes back", () => {
        const [theirs] = withShape(withoutShape(base, "zone-way"), "line", [point(0, 0), point(1, 1)]);
        expect(laidOver(base, move(base, "zone-way", 0.7), theirs).shapes.map(({ id }) => id)).toEqual([
            "gate",
            "line-1",
            "way",
            "",
        ]);
        expect(laidOver(base, withoutShape(base, "zone-way"), base).shapes.some(({ id }) => id === "way")).toBe(false);
    });

    test("the same new id twice: mine gives way", () => {
        const theirs = draftOf({
            ...ZONES,
            zones: [...ZONES.zones, { id: "field", name: { zh: "", en: "" }, area: [] }],
            rules: [...ZONES.rules, { ...RULE, id: "of-theirs", zone: "field" }],
        });
        let [mine, shape] = withShape(base, "zone", TRIANGLE);
        mine = changeShape(mine, shape.key, { name: { zh: "田", en: "Field" } });
        mine = withRule(mine, find(mine, "field"))[0];
        const laid = laidOver(base, mine, theirs);
        expect(laid.shapes.filter(({ kind }) => kind === "zone").map(({ id }) => id)).toEqual([
            "way",
            "field",
            "field-2",
        ]);
        expect(laid.rules.map(({ zone }) => zone)).toEqual(["way", null, "field", "field-2"]);
    });
});
