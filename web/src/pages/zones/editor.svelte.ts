// What one is drawing: the draft with its undo, what is selected, and the shape that is being set corner by corner.

import type { Schemas } from "../../lib/api/client";
import {
    changeRule,
    changeShape,
    draftOf,
    isSame,
    laidOver,
    SHAPES_MAX,
    withoutRule,
    withoutShape,
    withRule,
    withShape,
    wrongWith,
    wrongWithRule,
    type Draft,
    type Rule,
    type Shape,
    type ShapeKind,
} from "./draft";
import { CORNERS_MAX, distance, moved, settled, type Point, type Size } from "./geometry";
import { begin, redo, step, undo, type History } from "./history";

export interface Drawing {
    kind: ShapeKind;
    points: readonly Point[];
    /** Where the next corner would be. */
    cursor: Point | null;
}

export class Editor {
    /** As the server has it. */
    zones: Schemas["zones"];
    #history: History<Draft>;
    /** Of a shape. */
    selected = $state<string | null>(null);
    /** The rule whose form is open. */
    rule = $state<string | null>(null);
    drawing = $state.raw<Drawing | null>(null);

    constructor(zones: Schemas["zones"]) {
        this.zones = $state.raw(zones);
        this.#history = $state.raw(begin(draftOf(zones)));
    }

    get draft(): Draft {
        return this.#history.now;
    }
    get saved(): Draft {
        return draftOf(this.zones);
    }
    get isChanged(): boolean {
        return !isSame(this.draft, this.saved);
    }
    get isReadOnly(): boolean {
        return !this.zones.writable;
    }
    get canUndo(): boolean {
        return this.#history.past.length > 0;
    }
    get canRedo(): boolean {
        return this.#history.future.length > 0;
    }
    get shape(): Shape | undefined {
        return this.draft.shapes.find(({ key }) => key === this.selected);
    }
    /** Whether anything is wrong that the server would refuse. */
    get isWrong(): boolean {
        return (
            this.draft.shapes.some((shape) => wrongWith(shape) !== null) ||
            this.draft.rules.some((rule) => wrongWithRule(this.draft, rule) !== null)
        );
    }

    change(next: Draft, part: string | null = null): void {
        if (!this.isReadOnly) this.#history = step(this.#history, next, part);
    }

    undo(): void {
        this.drawing = null;
        this.#history = undo(this.#history);
    }

    redo(): void {
        this.drawing = null;
        this.#history = redo(this.#history);
    }

    /** Selects a shape; its rules stay closed until one is chosen. */
    select(key: string | null): void {
        if (key !== this.selected) this.rule = null;
        this.selected = key;
    }

    // Drawing.

    hasRoomFor(kind: ShapeKind): boolean {
        return this.draft.shapes.filter((shape) => shape.kind === kind).length < SHAPES_MAX;
    }

    begin(kind: ShapeKind): void {
        if (this.isReadOnly || !this.hasRoomFor(kind)) return;
        this.select(null);
        this.drawing = { kind, points: [], cursor: null };
    }

    point(cursor: Point): void {
        if (this.drawing) this.drawing = { ...this.drawing, cursor };
    }

    /** Sets a corner; closes where it is the first one again, or the last one a second time (a double click). */
    set(p: Point, size: Size, near: number): void {
        const drawing = this.drawing;
        if (!drawing) return;
        const [first, last] = [drawing.points[0], drawing.points.at(-1)];
        if (last && distance(last, p, size) < near) return this.close();
        if (drawing.points.length >= 3 && first && distance(first, p, size) < near) return this.close();
        const points = [...drawing.points, settled(p)];
        this.drawing = { ...drawing, points };
        if ((drawing.kind === "line" && points.length === 2) || points.length === CORNERS_MAX) this.close();
    }

    /** Takes the last corner back. */
    unset(): void {
        if (this.drawing) this.drawing = { ...this.drawing, points: this.drawing.points.slice(0, -1) };
    }

    close(): void {
        const drawing = this.drawing;
        if (!drawing || drawing.points.length < (drawing.kind === "line" ? 2 : 3)) return;
        const [next, shape] = withShape(this.draft, drawing.kind, drawing.points);
        this.drawing = null;
        this.change(next);
        this.select(shape.key);
    }

    // Shapes.

    changeShape(key: string, change: Parameters<typeof changeShape>[2], part: string | null = null): void {
        this.change(changeShape(this.draft, key, change), part);
    }

    moveCorner(shape: Shape, at: number, to: Point, part: string | null): void {
        const points = shape.points.map((p, index) => (index === at ? to : p));
        this.changeShape(shape.key, { points }, part);
    }

    nudge(shape: Shape, dx: number, dy: number, part: string): void {
        this.changeShape(shape.key, { points: moved(shape.points, dx, dy) }, part);
    }

    addCorner(shape: Shape, after: number, p: Point): boolean {
        if (this.isReadOnly || shape.kind === "line" || shape.points.length >= CORNERS_MAX) return false;
        this.changeShape(shape.key, { points: shape.points.toSpliced(after + 1, 0, settled(p)) });
        return true;
    }

    removeCorner(shape: Shape, at: number): boolean {
        if (this.isReadOnly || shape.kind === "line" || shape.points.length <= 3) return false;
        this.changeShape(shape.key, { points: shape.points.toSpliced(at, 1) });
        return true;
    }

    /** `false` where a shared rule needs it. */
    remove(key: string): boolean {
        const next = withoutShape(this.draft, key);
        if (next === this.draft) return false;
        this.change(next);
        if (this.selected === key) this.select(null);
        return true;
    }

    // Rules.

    addRule(shape: Shape | null): void {
        const [next, rule] = withRule(this.draft, shape);
        this.change(next);
        this.selected = shape?.key ?? null;
        this.rule = rule.key;
    }

    changeRule(rule: Rule, change: Partial<Rule>, field: string): void {
        this.change(changeRule(this.draft, rule.key, change), `${rule.key} ${field}`);
    }

    removeRule(rule: Rule): void {
        this.change(withoutRule(this.draft, rule.key));
        if (this.rule === rule.key) this.rule = null;
    }

    // The server.

    /** What was saved is what there is now. */
    settle(zones: Schemas["zones"]): void {
        this.zones = zones;
        this.#history = begin(draftOf(zones));
        if (!this.shape) this.selected = null;
        if (!this.draft.rules.some(({ key }) => key === this.rule)) this.rule = null;
    }

    /** Somebody else has saved meanwhile: what was drawn is laid over it. */
    layOver(zones: Schemas["zones"]): void {
        const laid = laidOver(this.saved, this.draft, draftOf(zones));
        this.zones = zones;
        this.#history = step(begin(draftOf(zones)), laid);
    }
}
