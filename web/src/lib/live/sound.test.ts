import { describe, expect, it, vi } from "vitest";

vi.mock("../language.svelte", () => ({ currentLanguage: () => "zh" }));

import { dueNow, figure, lengthOf, PAUSE_MS, REPEAT_MS, worstOf } from "./sound";

const ALL = ["info", "warning", "major", "critical"] as const;

describe("figures", () => {
    it("are told apart by their number of tones, and longer the worse it is", () => {
        const counts = ALL.map((severity) => figure(severity).length);
        expect(new Set(counts).size).toBe(ALL.length);
        const lengths = ALL.map(lengthOf);
        expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    });

    it("are over before the next may begin", () => {
        for (const severity of ALL) expect(lengthOf(severity) * 1000).toBeLessThan(PAUSE_MS);
    });
});

describe("what is played", () => {
    it("is the worst of what waits", () => {
        expect(worstOf(["info", "major", "warning"])).toBe("major");
        expect(worstOf([])).toBeNull();
        expect(dueNow(0, null, ["warning", "critical", "info"], false)).toBe("critical");
    });

    it("waits for the pause: a storm is one alarm", () => {
        expect(dueNow(PAUSE_MS - 1, 0, ["critical"], true)).toBeNull();
        expect(dueNow(PAUSE_MS, 0, ["info"], true)).toBe("info");
    });

    it("comes again while something critical is unanswered", () => {
        expect(dueNow(REPEAT_MS - 1, 0, [], true)).toBeNull();
        expect(dueNow(REPEAT_MS, 0, [], true)).toBe("critical");
        expect(dueNow(REPEAT_MS, 0, [], false)).toBeNull();
        expect(dueNow(0, null, [], true)).toBe("critical");
    });
});
