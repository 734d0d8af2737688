import { describe, expect, it } from "vitest";

import { keepPace, nextRate, Pace } from "./pace";

describe("one clock for all", () => {
    it("moves while it plays and nothing is waited for", () => {
        const pace = new Pace(1000);
        pace.tick(0, false);
        expect(pace.tick(100, false)).toBe(1000);
        pace.plays = true;
        expect(pace.tick(200, false)).toBe(1100);
        expect(pace.tick(300, true)).toBe(1100);
        pace.rate = 4;
        expect(pace.tick(400, false)).toBe(1500);
        // A page that slept for an hour did not play for an hour.
        expect(pace.tick(3_600_000, false)).toBe(1500);
    });

    it("each picture comes to it, by a jump or by and by", () => {
        expect(keepPace({ target: 10, current: 10.02, rate: 1 })).toEqual({ to: null, rate: 1 });
        expect(keepPace({ target: 10, current: 9, rate: 1 })).toEqual({ to: 10, rate: 1 });
        expect(keepPace({ target: 10, current: 9.8, rate: 1 }).rate).toBeGreaterThan(1);
        expect(keepPace({ target: 10, current: 10.2, rate: 2 }).rate).toBeLessThan(2);
        expect(keepPace({ target: 10, current: 8, rate: 16 })).toEqual({ to: null, rate: 16 });
    });

    it("two pictures that began apart are together within two seconds", () => {
        let [clock, current, rate] = [0.3, 0, 1];
        for (let tick = 0; tick < 20; tick++) {
            const kept = keepPace({ target: clock, current, rate: 1 });
            expect(kept.to).toBeNull();
            rate = kept.rate;
            clock += 0.1;
            current += 0.1 * rate;
        }
        expect(Math.abs(clock - current)).toBeLessThan(0.08);
    });

    it("has speeds", () => {
        expect(nextRate(1, 1)).toBe(2);
        expect(nextRate(0.25, -1)).toBe(0.25);
        expect(nextRate(16, 1)).toBe(16);
    });
});
