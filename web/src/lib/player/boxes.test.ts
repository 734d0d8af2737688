import { expect, it } from "vitest";

import { BoxLine } from "./boxes";
import type { Boxes } from "./messages";

const boxes = (at_s: number): Boxes => ({
    type: "boxes",
    at_s,
    objects: [{ track: 1, class: `at ${at_s}`, confidence: 1, box: [0, 0, 1, 1] }],
});

it("the boxes of the picture that is shown, though they come out of order", () => {
    const line = new BoxLine();
    for (const at of [1, 1.4, 1.2, 2]) line.add(boxes(at));
    const seen = (at: number) => line.at(at).map((thing) => thing.class);
    expect(seen(0.9)).toEqual([]);
    expect(seen(1)).toEqual(["at 1"]);
    expect(seen(1.3)).toEqual(["at 1.2"]);
    expect(seen(1.39)).toEqual(["at 1.4"]);
    expect(seen(2.6)).toEqual(["at 2"]);
    expect(seen(2.9)).toEqual([]);
});

it("does not grow without end", () => {
    const line = new BoxLine();
    for (let nth = 0; nth < 2000; nth++) line.add(boxes(nth));
    expect(line.at(10)).toEqual([]);
    expect(line.at(1999)).toHaveLength(1);
});
