import { describe, expect, it } from "vitest";

import { CHUNK, chunksOf, read, together } from "./chunks";
import { alertBeside, bars, clusters, laneOf, LEAD_MS, strips, type AlertMark } from "./drawn";
import {
    DAY,
    following,
    HOUR,
    MINUTE,
    notAhead,
    pinched,
    span,
    ticks,
    timeAt,
    VIEW_MAX,
    VIEW_MIN,
    xOf,
    zoomed,
    type View,
} from "./scale";

const VIEW: View = { from: 0, to: HOUR };

describe("the scale", () => {
    it("what is under the pointer stays there when one comes closer", () => {
        const anchor = timeAt(250, VIEW, 1000);
        const closer = zoomed(VIEW, 0.5, anchor);
        expect(span(closer)).toBe(HOUR / 2);
        expect(xOf(anchor, closer, 1000)).toBeCloseTo(250, 3);
        expect(span(zoomed(VIEW, 1e-9, anchor))).toBe(VIEW_MIN);
        expect(span(zoomed(VIEW, 1e9, anchor))).toBe(VIEW_MAX);
    });

    it("what is under two fingers stays under them", () => {
        const after = pinched(VIEW, 1000, [400, 600], [300, 700]);
        expect(span(after)).toBeCloseTo(HOUR / 2);
        expect(timeAt(300, after, 1000)).toBeCloseTo(timeAt(400, VIEW, 1000));
        expect(pinched(VIEW, 1000, [400, 600], [500, 502])).toBe(VIEW);
    });

    it("follows what plays, and does not move before it must", () => {
        expect(following(VIEW, 0.5 * HOUR)).toBe(VIEW);
        const on = following(VIEW, 0.96 * HOUR);
        expect(xOf(0.96 * HOUR, on, 1000)).toBeCloseTo(100);
        const elsewhere = following(VIEW, 20 * HOUR);
        expect(xOf(20 * HOUR, elsewhere, 1000)).toBeCloseTo(500);
    });

    it("does not show what is yet to come", () => {
        expect(notAhead(VIEW, 2 * HOUR)).toBe(VIEW);
        const moved = notAhead(VIEW, HOUR / 2);
        expect(span(moved)).toBe(HOUR);
        expect(xOf(HOUR / 2, moved, 1000)).toBeCloseTo(950);
    });

    it("has ticks at round times of the station's clock, not too many", () => {
        for (const wide of [MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY])
            for (const offset of [0, 8 * HOUR, 5.75 * HOUR]) {
                const view = { from: 1_773_079_445_123, to: 1_773_079_445_123 + wide };
                const all = ticks(view, 1200, offset);
                const named = all.filter((tick) => tick.named);
                expect(named.length).toBeGreaterThan(1);
                expect(named.length).toBeLessThanOrEqual(15);
                expect(all.length).toBeLessThan(200);
                const second = (wide > MINUTE ? MINUTE : 1000) as number;
                for (const tick of named) expect((tick.at + offset) % second).toBe(0);
            }
    });
});

describe("what is drawn", () => {
    it("a second's gap in a day is seen, and lies over the recordings", () => {
        const drawn = bars(
            [
                { from: 0, to: 12 * HOUR, what: "recorded", cause: null },
                { from: 12 * HOUR, to: 12 * HOUR + 1000, what: "gap", cause: "shed" },
                { from: 12 * HOUR + 1000, to: DAY, what: "recorded", cause: null },
            ],
            { from: 0, to: DAY },
            1000,
        );
        expect(drawn.at(-1)).toMatchObject({ what: "gap", cause: "shed", width: 1.5 });
        expect(drawn).toHaveLength(3);
    });

    it("hundreds of short gaps become one bar", () => {
        const line = Array.from({ length: 2000 }, (_, nth) => ({
            from: nth * 1000,
            to: nth * 1000 + 1000,
            what: nth % 2 ? ("gap" as const) : ("recorded" as const),
            cause: nth % 2 ? "quiet" : null,
        }));
        expect(bars(line, { from: 0, to: DAY }, 1000).length).toBeLessThan(2001);
        expect(strips(line, { from: 0, to: DAY }, 1000)).toHaveLength(1);
        expect(strips(line, { from: DAY, to: 2 * DAY }, 1000)).toHaveLength(0);
    });

    const alert = (from: number, severity: AlertMark["severity"]): AlertMark => ({
        id: String(from),
        kind: "zone-enter",
        severity,
        from,
    });

    it("alerts that lie on each other are one mark, as bad as the worst", () => {
        const marks = clusters(
            [alert(1000, "info"), alert(30_000, "critical"), alert(50 * MINUTE, "warning"), alert(2 * HOUR, "major")],
            VIEW,
            1000,
        );
        expect(marks.map((mark) => [mark.severity, mark.alerts.length])).toEqual([
            ["critical", 2],
            ["warning", 1],
        ]);
    });

    it("one goes from alert to alert and does not stay at one", () => {
        const alerts = [alert(100_000, "info"), alert(200_000, "info"), alert(300_000, "info")];
        let at = 0;
        for (const wanted of [100_000, 200_000, 300_000]) {
            const next = alertBeside(alerts, at, 1);
            expect(next?.from).toBe(wanted);
            at = wanted - LEAD_MS;
        }
        expect(alertBeside(alerts, at, 1)).toBeNull();
        expect(alertBeside(alerts, at, -1)?.from).toBe(200_000);
        expect(alertBeside(alerts, 0, -1)).toBeNull();
    });

    it("each class has a lane", () => {
        expect(["person", "motorcycle", "truck", "cow"].map(laneOf)).toEqual([
            "people",
            "two-wheeled",
            "vehicles",
            "animals",
        ]);
    });
});

describe("chunks", () => {
    it("cover what is seen, and nothing that is yet to come", () => {
        expect(chunksOf({ from: CHUNK + 1, to: 3 * CHUNK }, DAY * 9)).toEqual([CHUNK, 2 * CHUNK]);
        expect(chunksOf({ from: 0, to: DAY }, CHUNK + 5)).toEqual([0, CHUNK]);
        expect(chunksOf({ from: DAY, to: 2 * DAY }, HOUR)).toEqual([]);
    });

    it("come together without saying anything twice", () => {
        const chunk = (from: number, to: number) =>
            read({
                camera: "a",
                stretches: [
                    {
                        from: new Date(from).toISOString(),
                        to: new Date(to).toISOString(),
                        what: "recorded",
                        cause: null,
                    },
                ],
                alerts: [
                    {
                        id: "x",
                        kind: "dwell",
                        severity: "info",
                        state: "raised",
                        drill: false,
                        from: new Date(CHUNK).toISOString(),
                        to: null,
                    },
                ],
                passages: from ? null : [],
            });
        const known = together([chunk(0, CHUNK), chunk(CHUNK, 2 * CHUNK)]);
        expect(known.line).toEqual([{ from: 0, to: 2 * CHUNK, what: "recorded", cause: null }]);
        expect(known.alerts).toHaveLength(1);
        expect(known.passages).toEqual([]);
        expect(together([chunk(CHUNK, 2 * CHUNK)]).passages).toBeNull();
    });
});
