import { expect, test } from "vitest";

import { begin, redo, step, undo } from "./history";

test("steps are taken back and made again", () => {
    let history = step(step(begin(0), 1), 2);
    history = undo(history);
    expect(history.now).toBe(1);
    history = undo(undo(history));
    expect(history.now).toBe(0);
    expect(redo(redo(history)).now).toBe(2);
    expect(redo(redo(redo(history))).now).toBe(2);
});

test("one drag is one step", () => {
    let history = begin(0);
    for (const at of [1, 2, 3]) history = step(history, at, "drag-1");
    history = step(history, 4, "drag-2");
    expect(undo(history).now).toBe(3);
    expect(undo(undo(history)).now).toBe(0);
});

test("what was taken back is gone once something else is done; the same again after that is a step of its own", () => {
    let history = step(step(begin(0), 1, "name"), 2, "colour");
    history = step(undo(history), 5, "name");
    expect(history.future).toEqual([]);
    expect(undo(history).now).toBe(1);
});

test("nothing is no step, and the past has an end", () => {
    const history = begin(0);
    expect(step(history, 0)).toBe(history);
    let long = begin(0);
    for (let at = 1; at < 1000; at++) long = step(long, at);
    expect(long.past.length).toBe(200);
});
