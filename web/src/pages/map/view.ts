// How the drawing lies on the screen: how near, and moved whither.

import type { Box } from "./layout";
import type { Spot } from "./projection";

/** A spot of the drawing is seen at `spot * k + (x, y)`: `k` pixels a metre, `x` and `y` pixels. */
export interface View {
    k: number;
    x: number;
    y: number;
}

export interface Size {
    width: number;
    height: number;
}

/** Pixels that stay free at the edge. */
const PAD = 64;
/** At most so many pixels a metre: a gate and its cameras fill the screen. */
const K_MAX = 4;

/** The whole drawing in the middle of the screen. */
export function fit(box: Box, { width, height }: Size, pad = PAD): View {
    const k = Math.min(
        K_MAX,
        Math.max(1, width - 2 * pad) / Math.max(1, box.right - box.left),
        Math.max(1, height - 2 * pad) / Math.max(1, box.bottom - box.top),
    );
    return centred(box, k, { width, height });
}

function centred(box: Box, k: number, { width, height }: Size): View {
    return { k, x: width / 2 - ((box.left + box.right) / 2) * k, y: height / 2 - ((box.top + box.bottom) / 2) * k };
}

/** Nearer or farther by `factor`; what is at this pixel stays there. */
export function zoomed(view: View, factor: number, at: Spot, box: Box, size: Size): View {
    const least = fit(box, size).k * 0.7;
    const k = Math.min(Math.max(K_MAX, least), Math.max(least, view.k * factor));
    const by = k / view.k;
    return held({ k, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by }, box, size);
}

export function moved(view: View, dx: number, dy: number, box: Box, size: Size): View {
    return held({ ...view, x: view.x + dx, y: view.y + dy }, box, size);
}

/** Two fingers: they keep what they took hold of. */
export function pinched(view: View, before: [Spot, Spot], now: [Spot, Spot], box: Box, size: Size): View {
    const far = ([a, b]: [Spot, Spot]) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
    const mid = ([a, b]: [Spot, Spot]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
    const [from, to] = [mid(before), mid(now)];
    const shifted = { ...view, x: view.x + to.x - from.x, y: view.y + to.y - from.y };
    return zoomed(shifted, far(now) / far(before), to, box, size);
}

/** This spot in the middle, at least this near. */
export function lookingAt(view: View, spot: Spot, k: number, size: Size): View {
    const near = Math.min(K_MAX, Math.max(view.k, k));
    return { k: near, x: size.width / 2 - spot.x * near, y: size.height / 2 - spot.y * near };
}

export function onScreen(view: View, spot: Spot): Spot {
    return { x: spot.x * view.k + view.x, y: spot.y * view.k + view.y };
}

/** The drawing cannot be lost: its middle third stays on the screen. */
function held(view: View, box: Box, { width, height }: Size): View {
    const hold = (at: number, low: number, high: number, room: number) => {
        const third = (high - low) * view.k * 0.33;
        const least = -high * view.k + third;
        const most = room - low * view.k - third;
        return least > most ? (least + most) / 2 : Math.min(most, Math.max(least, at));
    };
    return { k: view.k, x: hold(view.x, box.left, box.right, width), y: hold(view.y, box.top, box.bottom, height) };
}

/** A round length that is at most so many pixels long: 1, 2 or 5 with zeros. */
export function scaleBar(k: number, px: number): { metres: number; px: number } {
    const most = px / k;
    const ten = 10 ** Math.floor(Math.log10(most));
    const metres = [5, 2, 1].map((n) => n * ten).find((length) => length <= most) ?? ten;
    return { metres, px: metres * k };
}
