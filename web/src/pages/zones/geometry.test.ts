import { describe, expect, test } from "vitest";

import {
    areaOf,
    arrow,
    contains,
    crossesItself,
    distanceTo,
    edgeAt,
    meet,
    moved,
    point,
    settled,
    sideOf,
    snapped,
} from "./geometry";

const polygon = (...corners: [number, number][]) => corners.map(([x, y]) => point(x, y));
const SQUARE = polygon([0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]);
const SIZE = { w: 1000, h: 500 };

describe("a polygon that crosses itself", () => {
    test.each([
        ["a square", SQUARE, false],
        ["a triangle", polygon([0, 0], [1, 0], [0.5, 1]), false],
        ["a bow tie", polygon([0.2, 0.2], [0.6, 0.6], [0.6, 0.2], [0.2, 0.6]), true],
        ["a dented one", polygon([0, 0], [1, 0], [1, 1], [0.5, 0.5], [0, 1]), false],
        ["a corner on another edge", polygon([0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]), true],
        ["the same corner twice", polygon([0, 0], [1, 0], [1, 0], [1, 1]), true],
        ["an edge back over its neighbour", polygon([0, 0], [1, 0], [0.5, 0], [0.5, 1]), true],
        ["a corner in the middle of a straight edge", polygon([0, 0], [0.5, 0], [1, 0], [1, 1]), false],
        ["two corners", polygon([0, 0], [1, 0]), true],
    ])("%s", (_, corners, crosses) => {
        expect(crossesItself(corners)).toBe(crosses);
        expect(crossesItself(corners.toReversed())).toBe(crosses);
    });

    test("wherever one begins to count its corners", () => {
        const tie = polygon([0.2, 0.2], [0.6, 0.6], [0.6, 0.2], [0.2, 0.6], [0.1, 0.4]);
        for (let by = 0; by < tie.length; by++)
            expect(crossesItself([...tie.slice(by), ...tie.slice(0, by)]), `from ${by}`).toBe(true);
    });
});

test("stretches meet where they cross or touch, not where their lines would", () => {
    expect(meet(point(0, 0), point(1, 1), point(0, 1), point(1, 0))).toBe(true);
    expect(meet(point(0, 0), point(1, 0), point(1, 0), point(1, 1))).toBe(true);
    expect(meet(point(0, 0), point(0.4, 0.4), point(0, 1), point(1, 0))).toBe(false);
    expect(meet(point(0, 0), point(0.4, 0), point(0.5, 0), point(1, 0))).toBe(false);
});

test("area is the same either way around", () => {
    expect(areaOf(SQUARE)).toBeCloseTo(0.16);
    expect(areaOf(SQUARE.toReversed())).toBeCloseTo(0.16);
    expect(areaOf([])).toBe(0);
});

test("what is inside", () => {
    expect(contains(SQUARE, point(0.3, 0.3))).toBe(true);
    expect(contains(SQUARE, point(0.7, 0.3))).toBe(false);
});

test("left and right are those of somebody who stands at a and looks to b", () => {
    const [a, b] = [point(0.1, 0.6), point(0.9, 0.6)];
    expect(sideOf(point(0.5, 0.9), a, b)).toBe("right");
    expect(sideOf(point(0.5, 0.1), a, b)).toBe("left");
    expect(sideOf(point(0.5, 0.6), a, b)).toBe("on");
    expect(sideOf(point(0.5, 0.9), b, a)).toBe("left");
});

test("the arrow starts in the middle of its line and points to the side that is named", () => {
    const [a, b] = [point(0.1, 0.2), point(0.7, 0.9)];
    for (const side of ["left", "right"] as const) {
        const [from, to] = arrow(a, b, side, SIZE, 40);
        expect(from.x).toBeCloseTo(400);
        expect(from.y).toBeCloseTo(275);
        expect(Math.hypot(to.x - from.x, to.y - from.y)).toBeCloseTo(40);
        expect(sideOf(point(to.x / SIZE.w, to.y / SIZE.h), a, b)).toBe(side);
    }
});

test("what is close to the frame's edge is on it", () => {
    expect(snapped(point(0.007, 0.5), SIZE, 8)).toEqual(point(0, 0.5));
    expect(snapped(point(0.009, 0.985), SIZE, 8)).toEqual(point(0.009, 1));
    expect(snapped(point(-3, 7), SIZE, 8)).toEqual(point(0, 1));
});

test("a shape that is moved keeps its form and stays in the picture", () => {
    expect(moved(SQUARE, 0.1, -0.1)).toEqual(polygon([0.3, 0.1], [0.7, 0.1], [0.7, 0.5], [0.3, 0.5]));
    expect(moved(SQUARE, 5, -5)).toEqual(polygon([0.6, 0], [1, 0], [1, 0.4], [0.6, 0.4]));
});

test("coordinates are short", () => {
    expect(settled(point(1 / 3, 2))).toEqual(point(0.3333, 1));
});

test("distances are what the hand sees, in pixels", () => {
    expect(distanceTo(point(0.5, 0.5), point(0, 0.4), point(1, 0.4), SIZE)).toBeCloseTo(50);
    expect(distanceTo(point(0.1, 0.1), point(0.2, 0.1), point(0.3, 0.1), SIZE)).toBeCloseTo(100);
});

test("the nearest edge, where one is near", () => {
    expect(edgeAt(point(0.4, 0.21), SQUARE, SIZE, 10)).toBe(0);
    expect(edgeAt(point(0.201, 0.4), SQUARE, SIZE, 10)).toBe(3);
    expect(edgeAt(point(0.4, 0.4), SQUARE, SIZE, 10)).toBeNull();
});
