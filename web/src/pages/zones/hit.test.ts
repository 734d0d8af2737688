import { expect, test } from "vitest";

import type { Shape } from "./draft";
import { point } from "./geometry";
import { hitAt } from "./hit";

const shape = (key: string, kind: Shape["kind"], ...corners: [number, number][]): Shape => ({
    key,
    kind,
    id: key,
    fresh: false,
    name: { zh: "", en: "" },
    points: corners.map(([x, y]) => point(x, y)),
    inside: "left",
});
const SIZE = { w: 1000, h: 1000 };
const SHAPES = [
    shape("wide", "zone", [0, 0], [1, 0], [1, 1], [0, 1]),
    shape("small", "zone", [0.2, 0.2], [0.4, 0.2], [0.4, 0.4], [0.2, 0.4]),
    shape("line", "line", [0.3, 0.1], [0.3, 0.9]),
];
const at = (selected: string | null, x: number, y: number) => {
    const hit = hitAt(SHAPES, selected, point(x, y), SIZE, 12);
    return hit && [hit.what, hit.shape.key, "at" in hit ? hit.at : null];
};

test("the topmost shape, and a line before any area", () => {
    expect(at(null, 0.25, 0.25)).toEqual(["whole", "small", null]);
    expect(at(null, 0.8, 0.8)).toEqual(["whole", "wide", null]);
    expect(at(null, 0.305, 0.3)).toEqual(["whole", "line", null]);
});

test("corners and edges of what is selected alone", () => {
    expect(at(null, 0.2, 0.2)).toEqual(["whole", "small", null]);
    expect(at("small", 0.205, 0.205)).toEqual(["corner", "small", 0]);
    expect(at("small", 0.401, 0.25)).toEqual(["edge", "small", 1]);
    expect(at("line", 0.3, 0.905)).toEqual(["corner", "line", 1]);
    expect(at("line", 0.3, 0.6)).toEqual(["whole", "line", null]);
});

test("what is selected stays in the hand where another one lies over it", () => {
    expect(at("wide", 0.25, 0.25)).toEqual(["whole", "wide", null]);
});

test("beside everything is nothing", () => {
    expect(hitAt(SHAPES.slice(1), null, point(0.8, 0.8), SIZE, 12)).toBeNull();
});
