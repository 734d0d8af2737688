import { describe, expect, it } from "vitest";

import { backOff, Cushion, keepUp, KEPT_S, staleUntil } from "./edge";

describe("keeping to the newest picture", () => {
    const at = (lag: number, rate = 1) => keepUp({ at: 100 - lag, start: 60, end: 100, rate }, 0.3);

    it("jumps where it is too far behind, and where it stands before what there is", () => {
        expect(at(2.5)).toEqual({ to: 99.7, rate: 1 });
        expect(keepUp({ at: 0, start: 60, end: 100, rate: 1 }, 0.3)).toEqual({ to: 99.7, rate: 1 });
        expect(keepUp({ at: 0, start: 60, end: 60.1, rate: 1 }, 0.3)).toEqual({ to: 60, rate: 1 });
    });

    it("plays a little faster or slower, until the cushion is met", () => {
        expect(at(0.8).rate).toBeGreaterThan(1);
        expect(at(0.5).rate).toBe(1);
        expect(at(0.5, 1.08).rate).toBe(1.08);
        expect(at(0.3, 1.08).rate).toBe(1);
        expect(at(0.05).rate).toBeLessThan(1);
        expect(at(0.2).rate).toBe(1);
        expect(at(0.2, 0.95).rate).toBe(0.95);
        expect(at(0.3, 0.95).rate).toBe(1);
    });

    it("never jumps forwards and back for ever", () => {
        let head = { at: 0, start: 0, end: 10, rate: 1 };
        let jumps = 0;
        for (let tick = 0; tick < 400; tick++) {
            const move = keepUp(head, 0.3);
            if (move.to !== null) jumps++;
            head = { ...head, at: (move.to ?? head.at) + 0.1 * move.rate, end: head.end + 0.1, rate: move.rate };
        }
        expect(jumps).toBe(1);
        expect(head.end - head.at).toBeLessThan(0.7);
    });

    it("a cushion grows with stalls and shrinks with time", () => {
        const cushion = new Cushion();
        const least = cushion.seconds;
        cushion.stalled();
        expect(cushion.seconds).toBeGreaterThan(least);
        for (let nth = 0; nth < 50; nth++) cushion.stalled();
        expect(cushion.seconds).toBeLessThan(2);
        cushion.wentWell(600);
        expect(cushion.seconds).toBe(least);
        for (let nth = 0; nth < 200; nth++) cushion.came(0.04);
        expect(cushion.seconds).toBeCloseTo(0.2, 2);
        cushion.came(30);
        expect(cushion.seconds).toBeCloseTo(0.2, 2);
    });

    it("keeps half a minute, and throws away in pieces", () => {
        expect(staleUntil(0, KEPT_S + 1)).toBeNull();
        expect(staleUntil(0, 100)).toBe(100 - KEPT_S);
    });

    it("asks again later and later, but asks", () => {
        const waits = Array.from({ length: 12 }, (_, nth) => backOff(nth, 0.5));
        expect(waits).toEqual(waits.toSorted((a, b) => a - b));
        expect(waits.at(-1)).toBe(15_000);
        expect(backOff(0, 0)).toBeLessThan(backOff(0, 1));
    });
});
