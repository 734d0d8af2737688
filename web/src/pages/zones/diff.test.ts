import { expect, test } from "vitest";

import { readDiff } from "./diff";

test("lines with their numbers before and after", () => {
    const diff = readDiff(
        "--- cunkou.toml\n+++ cunkou.toml\n@@ -60,3 +60,4 @@ [camera.north-gate]\n a\n-b\n+c\n+++d\n e\n\\ No newline at end of file\n",
    );
    expect(diff.lines).toEqual([
        { kind: "place", text: "[camera.north-gate]", old: 60, new: 60 },
        { kind: "same", text: "a", old: 60, new: 60 },
        { kind: "removed", text: "b", old: 61, new: null },
        { kind: "added", text: "c", old: null, new: 61 },
        { kind: "added", text: "++d", old: null, new: 62 },
        { kind: "same", text: "e", old: 62, new: 63 },
    ]);
    expect([diff.added, diff.removed]).toEqual([2, 1]);
});

test("nothing, and what is no diff", () => {
    expect(readDiff("").lines).toEqual([]);
    expect(readDiff("@@ nonsense\n+x").lines).toEqual([]);
});
