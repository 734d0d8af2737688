import { describe, expect, it } from "vitest";

import { holds, joined, nextPiece, nextRecorded, stretchAt, without, withSpan, type Stretch } from "./line";

const recorded = (from: number, to: number): Stretch => ({ from, to, what: "recorded", cause: null });
const gap = (from: number, to: number, cause = "offline"): Stretch => ({ from, to, what: "gap", cause });
const LINE = [gap(0, 10, "missing"), recorded(10, 50), gap(50, 70), { ...recorded(70, 90), what: "open" as const }];

describe("what was recorded", () => {
    it("is one line, whatever pieces it comes in", () => {
        expect(joined([recorded(20, 40), recorded(0, 20), gap(40, 50), gap(50, 60)])).toEqual([
            recorded(0, 40),
            gap(40, 60),
        ]);
        expect(joined([gap(0, 10, "quiet"), gap(10, 20, "shed")])).toHaveLength(2);
        expect(joined([recorded(0, 30), recorded(10, 20), recorded(25, 40)])).toEqual([recorded(0, 40)]);
    });

    it("is known for each moment", () => {
        expect(stretchAt(LINE, 9.9)?.cause).toBe("missing");
        expect(stretchAt(LINE, 10)?.what).toBe("recorded");
        expect(stretchAt(LINE, 60)?.cause).toBe("offline");
        expect(stretchAt(LINE, -1)).toBeNull();
        // What is being recorded goes on.
        expect(stretchAt(LINE, 1000)?.what).toBe("open");
        expect(stretchAt(LINE.slice(0, 2), 50)).toBeNull();
    });

    it("says where to go on behind a gap", () => {
        expect(nextRecorded(LINE, 5)).toBe(10);
        expect(nextRecorded(LINE, 30)).toBe(30);
        expect(nextRecorded(LINE, 55)).toBe(70);
        expect(nextRecorded(LINE.slice(0, 3), 55)).toBeNull();
    });
});

describe("what was fetched", () => {
    it("is put together and taken apart", () => {
        let spans = withSpan([], { from: 0, to: 10 });
        spans = withSpan(spans, { from: 20, to: 30 });
        expect(spans).toHaveLength(2);
        expect(withSpan(spans, { from: 10, to: 20 })).toEqual([{ from: 0, to: 30 }]);
        expect(without(spans, { from: 5, to: 25 })).toEqual([
            { from: 0, to: 5 },
            { from: 25, to: 30 },
        ]);
        expect(withSpan(spans, { from: 5, to: 5 })).toBe(spans);
        expect(holds(spans, 9)).toBe(true);
        expect(holds(spans, 10)).toBe(false);
    });

    it("is not asked for again, and gaps are not asked for at all", () => {
        const need = { line: LINE, fetched: [], at: 20, ahead_ms: 30, piece_ms: 20, now: 100 };
        expect(nextPiece(need)).toEqual({ from: 20, to: 40 });
        expect(nextPiece({ ...need, fetched: [{ from: 20, to: 40 }] })).toEqual({ from: 40, to: 60 });
        expect(nextPiece({ ...need, fetched: [{ from: 20, to: 52 }] })).toBeNull();
        expect(nextPiece({ ...need, at: 45, fetched: [{ from: 20, to: 52 }] })).toEqual({ from: 70, to: 90 });
        expect(nextPiece({ ...need, fetched: [{ from: 30, to: 90 }] })).toEqual({ from: 20, to: 30 });
        expect(nextPiece({ ...need, at: 95, fetched: [{ from: 70, to: 95 }] })).toEqual({ from: 95, to: 100 });
        expect(nextPiece({ ...need, at: 99.5, fetched: [{ from: 70, to: 99.5 }] })).toBeNull();
    });
});
