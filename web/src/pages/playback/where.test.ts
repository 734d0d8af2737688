import { expect, it } from "vitest";

import { fromAddress, toAddress } from "./where";

it("the address carries cameras and moment", () => {
    const where = fromAddress(new URLSearchParams("camera=north-gate,a,a&at=2026-03-09T18:04:05Z"));
    expect(where).toEqual({ cameras: ["north-gate", "a"], at: Date.UTC(2026, 2, 9, 18, 4, 5) });
    expect(toAddress(where)).toEqual({ camera: "north-gate,a", at: "2026-03-09T18:04:05Z" });
    expect(toAddress({ cameras: [], at: 1234 })).toEqual({ camera: null, at: "1970-01-01T00:00:01Z" });
    expect(fromAddress(new URLSearchParams("camera=a,b,c,d,e&at=soon"))).toEqual({
        cameras: ["a", "b", "c", "d"],
        at: null,
    });
});
