// What lies under the pointer: corners of what is selected first, then its edges, then whatever shape is on top.

import type { Shape } from "./draft";
import { contains, distance, distanceTo, edgeAt, type Point, type Size } from "./geometry";

export type Hit =
    | { what: "corner"; shape: Shape; at: number }
    | { what: "edge"; shape: Shape; at: number }
    | { what: "whole"; shape: Shape };

/** `reach` is in pixels: how far from a corner or edge a hand may be. */
export function hitAt(
    shapes: readonly Shape[],
    selected: string | null,
    p: Point,
    size: Size,
    reach: number,
): Hit | null {
    const held = shapes.find(({ key }) => key === selected);
    if (held) {
        const corner = nearestCorner(held, p, size, reach);
        if (corner !== null) return { what: "corner", shape: held, at: corner };
        if (held.kind !== "line") {
            const edge = edgeAt(p, held.points, size, reach * 0.6);
            if (edge !== null) return { what: "edge", shape: held, at: edge };
        }
    }
    const under = shapes.filter((shape) => isUnder(shape, p, size, reach));
    // What is thin would be lost beneath what is wide; what is selected stays where one can move it.
    const whole =
        under.find(({ kind }) => kind === "line") ?? under.find(({ key }) => key === selected) ?? under.at(-1) ?? null;
    return whole && { what: "whole", shape: whole };
}

function nearestCorner(shape: Shape, p: Point, size: Size, reach: number): number | null {
    const far = shape.points.map((corner) => distance(corner, p, size));
    const least = Math.min(...far);
    return least <= reach ? far.indexOf(least) : null;
}

function isUnder(shape: Shape, p: Point, size: Size, reach: number): boolean {
    const [a, b] = shape.points;
    if (shape.kind === "line") return a !== undefined && b !== undefined && distanceTo(p, a, b, size) <= reach;
    return contains(shape.points, p) || edgeAt(p, shape.points, size, reach / 2) !== null;
}
