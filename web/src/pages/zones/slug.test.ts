import { expect, test } from "vitest";

import { freshId, slug } from "./slug";

test.each([
    ["The way", "the-way"],
    ["  Río  & road! ", "rio-road"],
    ["路面", ""],
    ["村口 Gate 2", "gate-2"],
    ["a".repeat(60), "a".repeat(48)],
    ["a".repeat(47) + " b", "a".repeat(47)],
])("%s", (name, id) => expect(slug(name)).toBe(id));

test("an id that nobody has", () => {
    expect(freshId("Road", "zone", new Set())).toBe("road");
    expect(freshId("Road", "zone", new Set(["road", "road-2"]))).toBe("road-3");
    expect(freshId("路面", "zone", new Set(["zone-1"]))).toBe("zone-2");
    const long = "a".repeat(48);
    const id = freshId(long, "zone", new Set([long]));
    expect(id).toBe("a".repeat(46) + "-2");
});
