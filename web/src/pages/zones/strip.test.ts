import { expect, test } from "vitest";

import { barsOf, highest, hourMarks, type Moment } from "./strip";

const moment = (at: number, outcome: Moment["outcome"]): Moment => ({
    at: new Date(at).toISOString(),
    rule: "r",
    kind: "zone-enter",
    class: "person",
    direction: null,
    alert: null,
    outcome,
});

test("each moment is in one bar, both ends included", () => {
    const bars = barsOf(
        [
            moment(0, "both"),
            moment(249, "only-then"),
            moment(250, "only-now"),
            moment(1000, "only-now"),
            moment(1001, "both"),
        ],
        0,
        1000,
        4,
    );
    expect(bars.map(({ both, onlyThen, onlyNow }) => [both, onlyThen, onlyNow])).toEqual([
        [1, 1, 0],
        [0, 0, 1],
        [0, 0, 0],
        [0, 0, 1],
    ]);
    expect(bars[1]).toMatchObject({ from: 250, to: 500 });
    expect(highest(bars)).toBe(2);
    expect(highest([])).toBe(1);
});

test("hours by the station's clock, half hours of a zone included", () => {
    const HOUR = 3_600_000;
    const india = (at: number) => (((at / HOUR + 5.5) % 24) + 24) % 24;
    expect(hourMarks(0, 12 * HOUR, 6, india)).toEqual([0.5 * HOUR, 6.5 * HOUR]);
});
