// Points, polygons and lines in shares of the picture: 0 left or top, 1 right or bottom. Nothing here knows what a zone is.

export interface Point {
    readonly x: number;
    readonly y: number;
}

/** How large the picture is drawn, in pixels: what is near is judged by what a hand sees. */
export interface Size {
    readonly w: number;
    readonly h: number;
}

/** Corners at most, as the server has it. */
export const CORNERS_MAX = 64;
/** A polygon that covers less of the picture than this is a slip of the hand. */
export const AREA_MIN = 0.0002;

export const point = (x: number, y: number): Point => ({ x, y });

const clamp = (value: number): number => Math.min(1, Math.max(0, value));

/** Within the picture, to a ten thousandth: finer than a pixel, and short in the file. */
export function settled(p: Point): Point {
    return { x: Math.round(clamp(p.x) * 10_000) / 10_000, y: Math.round(clamp(p.y) * 10_000) / 10_000 };
}

/** On the frame's edge where it is closer to it than `near` pixels. */
export function snapped(p: Point, size: Size, near: number): Point {
    const pull = (value: number, length: number): number =>
        value * length < near ? 0 : (1 - value) * length < near ? 1 : value;
    return settled({ x: pull(p.x, size.w), y: pull(p.y, size.h) });
}

/** Moved as a whole, and never out of the picture. */
export function moved(points: readonly Point[], dx: number, dy: number): Point[] {
    const xs = points.map((p) => p.x);
    const ys = points.map((p) => p.y);
    const x = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
    const y = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
    return points.map((p) => settled({ x: p.x + x, y: p.y + y }));
}

export function distance(a: Point, b: Point, size: Size): number {
    return Math.hypot((a.x - b.x) * size.w, (a.y - b.y) * size.h);
}

/** Twice the area of the triangle, positive where `p` is to the right of somebody who stands at `a` and looks to `b` (y points down). */
function turn(a: Point, b: Point, p: Point): number {
    return (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
}

export function sideOf(p: Point, a: Point, b: Point): "left" | "right" | "on" {
    const turned = turn(a, b, p);
    return turned > 0 ? "right" : turned < 0 ? "left" : "on";
}

/** The middle of the line and a point `length` pixels to its side, in pixels. */
export function arrow(a: Point, b: Point, side: "left" | "right", size: Size, length: number): [Point, Point] {
    const [dx, dy] = [(b.x - a.x) * size.w, (b.y - a.y) * size.h];
    const whole = Math.hypot(dx, dy) || 1;
    const way = side === "right" ? 1 : -1;
    const from = { x: ((a.x + b.x) / 2) * size.w, y: ((a.y + b.y) / 2) * size.h };
    return [from, { x: from.x - (dy / whole) * length * way, y: from.y + (dx / whole) * length * way }];
}

/** Share of the picture that a polygon covers. */
export function areaOf(points: readonly Point[]): number {
    return Math.abs(edgesOf(points).reduce((sum, [a, b]) => sum + a.x * b.y - b.x * a.y, 0)) / 2;
}

/** Where its name is written: the middle of its corners. */
export function middleOf(points: readonly Point[]): Point {
    const sum = points.reduce((all, p) => ({ x: all.x + p.x, y: all.y + p.y }), { x: 0, y: 0 });
    return { x: sum.x / points.length, y: sum.y / points.length };
}

/** Its edges, the closing one last. */
export function edgesOf(points: readonly Point[]): [Point, Point][] {
    return points.map((p, at) => [p, points[(at + 1) % points.length] ?? p]);
}

/** Even-odd rule. */
export function contains(points: readonly Point[], p: Point): boolean {
    return edgesOf(points).reduce((inside, [a, b]) => {
        const spans = a.y > p.y !== b.y > p.y;
        return spans && p.x < ((b.x - a.x) * (p.y - a.y)) / (b.y - a.y) + a.x ? !inside : inside;
    }, false);
}

const between = (a: Point, b: Point, p: Point): boolean =>
    Math.min(a.x, b.x) <= p.x && p.x <= Math.max(a.x, b.x) && Math.min(a.y, b.y) <= p.y && p.y <= Math.max(a.y, b.y);

/** Whether two stretches have a point in common. */
export function meet(a: Point, b: Point, c: Point, d: Point): boolean {
    const [abc, abd, cda, cdb] = [turn(a, b, c), turn(a, b, d), turn(c, d, a), turn(c, d, b)];
    if (((abc > 0 && abd < 0) || (abc < 0 && abd > 0)) && ((cda > 0 && cdb < 0) || (cda < 0 && cdb > 0))) return true;
    return (
        (abc === 0 && between(a, b, c)) ||
        (abd === 0 && between(a, b, d)) ||
        (cda === 0 && between(c, d, a)) ||
        (cdb === 0 && between(c, d, b))
    );
}

/** Whether the edge of a polygon crosses or touches itself. */
export function crossesItself(points: readonly Point[]): boolean {
    const edges = edgesOf(points);
    return edges.some(([a, b], at) =>
        edges.some(([c, d], other) => {
            if (other <= at) return false;
            const neighbours = other === at + 1 || (at === 0 && other === edges.length - 1);
            if (!neighbours) return meet(a, b, c, d);
            // Neighbours share a corner; they must not run back over each other, or be the same corner twice.
            const [before, corner, after] = other === at + 1 ? [a, b, d] : [c, a, b];
            return (
                turn(before, corner, after) === 0 &&
                (before.x - corner.x) * (after.x - corner.x) + (before.y - corner.y) * (after.y - corner.y) >= 0
            );
        }),
    );
}

/** How far a point is from a stretch, in pixels. */
export function distanceTo(p: Point, a: Point, b: Point, size: Size): number {
    const [dx, dy] = [(b.x - a.x) * size.w, (b.y - a.y) * size.h];
    const [px, py] = [(p.x - a.x) * size.w, (p.y - a.y) * size.h];
    const whole = dx * dx + dy * dy;
    const share = whole === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / whole));
    return Math.hypot(px - share * dx, py - share * dy);
}

/** The edge, by its first corner, that is nearest to `p` and no farther than `near` pixels. `null` where there is none. */
export function edgeAt(p: Point, points: readonly Point[], size: Size, near: number): number | null {
    let best: number | null = null;
    let least = near;
    edgesOf(points).forEach(([a, b], at) => {
        const far = distanceTo(p, a, b, size);
        if (far <= least) [best, least] = [at, far];
    });
    return best;
}
