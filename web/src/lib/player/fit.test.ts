import { expect, it } from "vitest";

import { contain } from "./fit";

it("a picture lies in the middle of its frame, whole", () => {
    const frame = { width: 1600, height: 900 };
    expect(contain({ width: 800, height: 600 }, frame)).toEqual({ x: 200, y: 0, width: 1200, height: 900 });
    expect(contain({ width: 1600, height: 400 }, frame)).toEqual({ x: 0, y: 250, width: 1600, height: 400 });
    expect(contain({ width: 0, height: 0 }, frame)).toEqual({ x: 0, y: 0, width: 1600, height: 900 });
});
