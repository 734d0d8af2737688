// Boxes over a picture, drawn on a canvas of the frame's size. The caller says what a class is called.

import { contain } from "./fit";
import type { Thing } from "./messages";

/** Two lines, light within dark: seen on any ground, whatever colours one sees. */
const LINES = [
    { width: 4, colour: "rgb(0 0 0 / 0.65)" },
    { width: 2, colour: "#ffffff" },
];
const FONT_PX = 12;

export function drawBoxes(
    canvas: HTMLCanvasElement,
    picture: { width: number; height: number },
    things: Thing[],
    name: (thing: Thing) => string,
): void {
    const dense = Math.min(2, devicePixelRatio || 1);
    const frame = { width: canvas.clientWidth, height: canvas.clientHeight };
    const [width, height] = [Math.round(frame.width * dense), Math.round(frame.height * dense)];
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const pen = canvas.getContext("2d");
    if (!pen) return;
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.clearRect(0, 0, frame.width, frame.height);
    const rect = contain(picture, frame);
    pen.font = `600 ${FONT_PX}px system-ui, sans-serif`;
    for (const thing of things) {
        const [left, top, right, bottom] = thing.box;
        const [x, y] = [rect.x + left * rect.width, rect.y + top * rect.height];
        const [w, h] = [(right - left) * rect.width, (bottom - top) * rect.height];
        for (const line of LINES) {
            pen.lineWidth = line.width;
            pen.strokeStyle = line.colour;
            pen.strokeRect(x, y, w, h);
        }
        const text = name(thing);
        const wide = pen.measureText(text).width + 8;
        const above = y >= FONT_PX + 8 ? y - FONT_PX - 7 : y + 1;
        pen.fillStyle = "rgb(0 0 0 / 0.7)";
        pen.fillRect(x - 1, above, wide, FONT_PX + 6);
        pen.fillStyle = "#ffffff";
        pen.fillText(text, x + 3, above + FONT_PX + 1);
    }
}
