// Where names stand on the drawing so that none covers another: the important ones first, and what finds no room is not shown.

import type { Box } from "./layout";

/** Where a name may stand beside its mark. */
export type Side = "middle" | "right" | "left" | "below" | "above";

export interface Wish {
    id: string;
    text: string;
    /** The mark's middle, pixels. */
    x: number;
    y: number;
    /** From the middle to the mark's edge, pixels. */
    reach: number;
    /** Height of the letters, pixels. */
    size: number;
    /** Higher is placed first. */
    weight: number;
    /** In order of liking. */
    sides: readonly Side[];
    /** Rather upon a mark than not at all. */
    insists: boolean;
}

export interface Placed {
    id: string;
    text: string;
    size: number;
    /** Where the line of text begins, is in the middle or ends. */
    x: number;
    /** Its base line. */
    y: number;
    anchor: "start" | "middle" | "end";
    box: Box;
}

const GAP = 3;
/** Pixels of the cells that boxes are looked up by. */
const CELL = 48;

/** How wide a text is, about: full-width signs are as wide as high. Never less than it is. */
export function widthOf(text: string, size: number): number {
    let ems = 0;
    for (const sign of text)
        ems += (sign.codePointAt(0) ?? 0) > 0x2e7f ? 1.02 : /[A-Z0-9mwMW@%&]/.test(sign) ? 0.72 : 0.56;
    return ems * size;
}

export function placeLabels(wishes: readonly Wish[], marks: readonly Box[]): Placed[] {
    const names = new Cells();
    const drawn = new Cells();
    for (const mark of marks) drawn.add(mark);
    const placed: Placed[] = [];
    const inOrder = [...wishes].sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1));
    for (const wish of inOrder) {
        const tried = wish.sides.map((side) => stand(wish, side)).filter(({ box }) => !names.hits(box));
        const found = tried.find(({ box }) => !drawn.hits(box)) ?? (wish.insists ? tried[0] : undefined);
        if (!found) continue;
        names.add(found.box);
        placed.push(found);
    }
    return placed;
}

function stand(wish: Wish, side: Side): Placed {
    const { id, text, size, reach } = wish;
    const width = widthOf(text, size);
    const height = size * 1.25;
    const [left, top] = {
        middle: [wish.x - width / 2, wish.y - height / 2],
        right: [wish.x + reach + GAP, wish.y - height / 2],
        left: [wish.x - reach - GAP - width, wish.y - height / 2],
        below: [wish.x - width / 2, wish.y + reach + GAP],
        above: [wish.x - width / 2, wish.y - reach - GAP - height],
    }[side] as [number, number];
    const box = { left, top, right: left + width, bottom: top + height };
    const anchor = side === "right" ? "start" : side === "left" ? "end" : "middle";
    const x = anchor === "start" ? box.left : anchor === "end" ? box.right : (box.left + box.right) / 2;
    return { id, text, size, x, y: top + size * 1.02, anchor, box };
}

/** Boxes, found by the cells that they reach into. */
class Cells {
    readonly #cells = new Map<number, Box[]>();

    add(box: Box): void {
        for (const cell of cellsOf(box)) {
            const there = this.#cells.get(cell);
            if (there) there.push(box);
            else this.#cells.set(cell, [box]);
        }
    }

    hits(box: Box): boolean {
        for (const cell of cellsOf(box)) if (this.#cells.get(cell)?.some((other) => overlap(box, other))) return true;
        return false;
    }
}

function* cellsOf({ left, top, right, bottom }: Box): Generator<number> {
    for (let x = Math.floor(left / CELL); x <= Math.floor(right / CELL); x++)
        for (let y = Math.floor(top / CELL); y <= Math.floor(bottom / CELL); y++) yield x * 100_003 + y;
}

export function overlap(a: Box, b: Box): boolean {
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
