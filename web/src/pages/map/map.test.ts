import { describe, expect, it } from "vitest";

import type { State } from "../cameras/state";
import { standings, sumUp, toneOf, urgency, URGENT, watchOf, type Raised } from "./gates";
import { overlap, placeLabels, widthOf, type Wish } from "./labels";
import { bearingsIn, layOut, LEVELS, type Perimeter } from "./layout";
import { centroid, distance, projection } from "./projection";
import { syntheticPerimeter } from "./synthetic";
import { fit, lookingAt, moved, onScreen, pinched, scaleBar, zoomed } from "./view";

const name = (en: string) => ({ zh: en, en });

function gate(
    id: string,
    village: string,
    level: Perimeter["entry_points"][number]["level"],
    at: [number, number] | null,
): Perimeter["entry_points"][number] {
    return {
        id,
        name: name(id),
        level,
        village,
        location: at ? { lat: at[0], lon: at[1] } : null,
        cameras: [{ id: `${id}-camera`, location: null, heading_deg: null }],
    };
}

describe("projection", () => {
    it("has north above, east at the right, and metres as they are on earth", () => {
        const to = projection([
            { lat: 31, lon: 120.5 },
            { lat: 31.02, lon: 120.5 },
        ]);
        const [south, north] = [to({ lat: 31, lon: 120.5 }), to({ lat: 31.02, lon: 120.5 })];
        expect(north.y).toBeLessThan(south.y);
        expect(distance(north, south)).toBeCloseTo(2224, -1);
        // A degree of longitude at 31.01 degrees north is 95.3 km.
        expect(to({ lat: 31.01, lon: 120.6 }).x).toBeCloseTo(9530, -2);
    });

    it("takes the short way across the date line", () => {
        const to = projection([{ lat: 0, lon: 179.99 }]);
        expect(to({ lat: 0, lon: -179.99 }).x).toBeCloseTo(2224, -1);
    });

    it("finds the middle of an area, and of a line", () => {
        expect(
            centroid([
                { x: 0, y: 0 },
                { x: 4, y: 0 },
                { x: 4, y: 2 },
                { x: 0, y: 2 },
            ]),
        ).toEqual({ x: 2, y: 1 });
        expect(
            centroid([
                { x: 0, y: 0 },
                { x: 4, y: 0 },
            ]),
        ).toEqual({ x: 2, y: 0 });
    });
});

describe("layout", () => {
    it("without any place is a calm grid with gates around by level", () => {
        const laid = layOut({
            villages: ["a", "b", "c"].map((id) => ({ id, name: name(id), location: null, outline: null })),
            roads: [],
            entry_points: LEVELS.map((level) => gate(level, "a", level, null)),
        });
        expect(laid.placed).toBe("none");
        const [a, b, c] = laid.villages;
        if (!a || !b || !c) throw new Error("a village is lost");
        expect(a.y).toBe(b.y);
        expect(distance(a, b)).toBeGreaterThan(a.radius + b.radius);
        const reach = Object.fromEntries(laid.gates.map((one) => [one.level, distance(one, a)]));
        expect(reach["point"]).toBeLessThan(reach["line"] ?? 0);
        expect(reach["line"]).toBeLessThan(reach["block"] ?? 0);
        expect(reach["block"]).toBeLessThan(reach["ring"] ?? 0);
        // The ring of one village does not reach into the next one.
        expect(reach["ring"]).toBeLessThan(distance(a, b) / 2);
    });

    it("puts what has no place below what has, and its gates into the widest gap", () => {
        const laid = layOut({
            villages: [
                { id: "there", name: name("there"), location: { lat: 31.2, lon: 120.5 }, outline: null },
                { id: "next", name: name("next"), location: { lat: 31.2, lon: 120.51 }, outline: null },
                { id: "lost", name: name("lost"), location: null, outline: null },
            ],
            roads: [],
            entry_points: [gate("north", "there", "line", [31.202, 120.5]), gate("no-place", "there", "line", null)],
        });
        expect(laid.placed).toBe("some");
        const [there, , lost] = laid.villages;
        expect(lost?.placed).toBe(false);
        expect(lost?.y).toBeGreaterThan((there?.y ?? 0) + (there?.radius ?? 0));
        const [north, unplaced] = ["north", "no-place"].map((id) => laid.gates.find((one) => one.id === id));
        expect(north?.y).toBeLessThan(there?.y ?? 0);
        expect(unplaced?.y).toBeGreaterThan(there?.y ?? 0);
    });

    it("takes a village's place from its outline, or from its gates; a gate's from its cameras", () => {
        const seen = gate("seen", "gated", "line", null);
        seen.cameras = [{ id: "c", location: { lat: 31.3, lon: 120.5 }, heading_deg: 90 }];
        const laid = layOut({
            villages: [
                {
                    id: "outlined",
                    name: name("o"),
                    location: null,
                    outline: [
                        [31.2, 120.5],
                        [31.2, 120.51],
                        [31.21, 120.505],
                    ],
                },
                { id: "gated", name: name("g"), location: null, outline: null },
            ],
            roads: [],
            entry_points: [seen],
        });
        expect(laid.placed).toBe("all");
        expect(laid.villages.every((village) => village.placed)).toBe(true);
        expect(laid.villages[1]?.y).toBeCloseTo(laid.gates[0]?.y ?? NaN, 6);
    });

    it("parts gates that stand upon each other, and keeps one whose village is not to be seen", () => {
        const at: [number, number] = [31.2, 120.5];
        const laid = layOut({
            villages: [],
            roads: [],
            entry_points: [gate("one", "x", "line", at), gate("two", "x", "line", at), gate("lost", "x", "line", null)],
        });
        expect(laid.gates.map(({ id }) => id)).toEqual(["one", "two"]);
        expect(laid.gates[0]?.room).toBeGreaterThan(5);
    });

    it("spreads directions, in the widest gap where some are taken", () => {
        const full = bearingsIn([], 7);
        expect(new Set(full.map((angle) => angle.toFixed(6))).size).toBe(7);
        // The name of the village keeps its lane: nobody stands straight at its sides.
        for (const angle of full) expect(Math.abs(Math.sin(angle))).toBeGreaterThan(0.6);
        const within = bearingsIn([0, Math.PI / 2], 2);
        for (const angle of within) {
            expect(angle).toBeGreaterThan(Math.PI / 2);
            expect(angle).toBeLessThan(2 * Math.PI);
        }
    });

    it.each([0, 0.5, 1])(
        "of 58 villages and 778 cameras, %s of them with a place, loses none and is finite",
        (placed) => {
            const perimeter = syntheticPerimeter({ villages: 58, cameras: 778, seed: 7, placed });
            const laid = layOut(perimeter);
            expect(laid.villages).toHaveLength(58);
            expect(laid.gates).toHaveLength(perimeter.entry_points.length);
            expect(new Set(laid.gates.flatMap(({ cameras }) => cameras.map(({ id }) => id))).size).toBe(778);
            for (const one of [...laid.villages, ...laid.gates]) expect(Number.isFinite(one.x + one.y)).toBe(true);
            for (const village of laid.villages) {
                expect(village.radius).toBeGreaterThan(0);
                for (const other of laid.villages)
                    if (other !== village && !(village.outline ?? other.outline))
                        expect(distance(village, other)).toBeGreaterThan(Math.max(village.radius, other.radius));
            }
            for (const one of laid.gates) {
                expect(one.room).toBeGreaterThan(0);
                expect(one.x).toBeGreaterThanOrEqual(laid.box.left);
                expect(one.y).toBeLessThanOrEqual(laid.box.bottom);
            }
        },
    );
});

describe("labels", () => {
    const wish = (id: string, x: number, y: number, weight: number, more: Partial<Wish> = {}): Wish => ({
        id,
        text: "河边小路",
        x,
        y,
        reach: 8,
        size: 12,
        weight,
        sides: ["right", "left", "below", "above"],
        insists: false,
        ...more,
    });

    it("never cover each other at any zoom of a large station, and the important ones stay", () => {
        const laid = layOut(syntheticPerimeter({ villages: 58, cameras: 778, seed: 3, placed: 1 }));
        for (const k of [0.02, 0.05, 0.1, 0.3, 1]) {
            const wishes = [
                ...laid.villages.map((one) =>
                    wish(`v ${one.id}`, one.x * k, one.y * k, 1000, {
                        text: one.name.zh,
                        sides: ["middle", "below", "above"],
                        insists: true,
                    }),
                ),
                ...laid.gates.map((one) => wish(`g ${one.id}`, one.x * k, one.y * k, 1, { text: one.name.zh })),
            ];
            const marks = laid.gates.map((one) => ({
                left: one.x * k - 8,
                right: one.x * k + 8,
                top: one.y * k - 8,
                bottom: one.y * k + 8,
            }));
            const placed = placeLabels(wishes, marks);
            const clashes = placed.flatMap((a, at) =>
                placed.slice(at + 1).flatMap((b) => (overlap(a.box, b.box) ? [`${a.id} ${b.id}`] : [])),
            );
            expect(clashes, `at ${k}`).toEqual([]);
            const villages = placed.filter(({ id }) => id.startsWith("v")).length;
            if (k >= 0.05) expect(villages).toBe(58);
            const covering = placed.filter(
                ({ id, box }) => id.startsWith("g") && marks.some((mark) => overlap(mark, box)),
            );
            expect(covering).toEqual([]);
        }
    });

    it("go to the heavier one, and to another side before they go at all", () => {
        const both = placeLabels(
            [wish("light", 0, 0, 1, { sides: ["right"] }), wish("heavy", 0, 0, 2, { sides: ["right"] })],
            [],
        );
        expect(both.map(({ id }) => id)).toEqual(["heavy"]);
        const aside = placeLabels([wish("light", 0, 0, 1), wish("heavy", 0, 0, 2)], []);
        expect(aside.map(({ id, anchor }) => [id, anchor])).toEqual([
            ["heavy", "start"],
            ["light", "end"],
        ]);
    });

    it("stand upon a mark only where they insist", () => {
        const mark = { left: -500, right: 500, top: -500, bottom: 500 };
        expect(placeLabels([wish("shy", 0, 0, 1)], [mark])).toEqual([]);
        expect(placeLabels([wish("bold", 0, 0, 1, { insists: true })], [mark])).toHaveLength(1);
    });

    it("count Chinese signs as wide as high", () => {
        expect(widthOf("河边", 10)).toBeCloseTo(20.4);
        expect(widthOf("ab", 10)).toBeCloseTo(11.2);
    });
});

describe("the view", () => {
    const box = { left: 0, right: 1000, top: 0, bottom: 500 };
    const size = { width: 800, height: 600 };

    it("fits everything", () => {
        const view = fit(box, size, 40);
        const [a, b] = [onScreen(view, { x: 0, y: 0 }), onScreen(view, { x: 1000, y: 500 })];
        expect([a.x, b.x]).toEqual([40, 760]);
        expect(a.y).toBeGreaterThan(40);
        expect(b.y).toBeLessThan(560);
    });

    it("zooms about what is under the mouse, within bounds", () => {
        const view = fit(box, size);
        const at = { x: 300, y: 280 };
        const spot = { x: (at.x - view.x) / view.k, y: (at.y - view.y) / view.k };
        const near = onScreen(zoomed(view, 2, at, box, size), spot);
        expect(near.x).toBeCloseTo(at.x);
        expect(near.y).toBeCloseTo(at.y);
        let far = view;
        for (let n = 0; n < 50; n++) far = zoomed(far, 0.5, at, box, size);
        expect(far.k).toBeCloseTo(view.k * 0.7);
        for (let n = 0; n < 50; n++) far = zoomed(far, 3, at, box, size);
        expect(far.k).toBeLessThanOrEqual(4);
    });

    it("cannot lose the drawing", () => {
        const lost = moved(fit(box, size), 1e6, -1e6, box, size);
        const [a, b] = [onScreen(lost, { x: 0, y: 0 }), onScreen(lost, { x: 1000, y: 500 })];
        expect(a.x).toBeLessThan(size.width);
        expect(b.y).toBeGreaterThan(0);
    });

    it("keeps what two fingers hold", () => {
        const view = fit(box, size);
        const to = pinched(
            view,
            [
                { x: 300, y: 300 },
                { x: 400, y: 300 },
            ],
            [
                { x: 250, y: 320 },
                { x: 450, y: 320 },
            ],
            box,
            size,
        );
        expect(to.k).toBeCloseTo(view.k * 2);
        const held = { x: (350 - view.x) / view.k, y: (300 - view.y) / view.k };
        expect(onScreen(to, held).x).toBeCloseTo(350);
        expect(onScreen(to, held).y).toBeCloseTo(320);
    });

    it("brings a spot into the middle", () => {
        const view = lookingAt(fit(box, size), { x: 100, y: 100 }, 2, size);
        expect(onScreen(view, { x: 100, y: 100 })).toEqual({ x: 400, y: 300 });
    });

    it.each([
        [0.05, 2000],
        [1, 100],
        [0.3, 200],
        [4, 20],
    ])("at %s pixels a metre has a bar of %s m", (k, metres) => {
        const bar = scaleBar(k, 120);
        expect(bar.metres).toBe(metres);
        expect(bar.px).toBeLessThanOrEqual(120);
        expect(bar.px).toBeGreaterThan(40);
    });
});

describe("gates", () => {
    const laid = layOut({
        villages: [{ id: "v", name: name("v"), location: null, outline: null }],
        roads: [],
        entry_points: [gate("north", "v", "ring", null), gate("south", "v", "line", null)],
    });
    const alert = (id: string, camera: string, severity: string, more: Partial<Raised> = {}): Raised => ({
        alert_id: id,
        severity,
        state: "raised",
        camera: { id: camera },
        occurred_at: `2026-03-09T18:0${id}:00.000Z`,
        ...more,
    });
    const standing = (states: Record<string, State>, open: Raised[] = []) =>
        standings(laid.gates, (camera) => states[camera] ?? "online", open);

    it.each<[State[], string]>([
        [[], "bare"],
        [["online", "degraded"], "whole"],
        [["online", "offline"], "partly"],
        [["offline", "offline"], "blind"],
        [["maintenance"], "blind"],
        [["online", "maintenance"], "partly"],
    ])("%s is %s", (states, watch) => expect(watchOf(states)).toBe(watch));

    it("have a tone of their own for each way to stand", () => {
        const tone = (state: State) => {
            const one = standing({ "north-camera": state }).get("north");
            return one && toneOf(one);
        };
        expect((["online", "degraded", "offline", "maintenance", "unknown"] as const).map(tone)).toEqual([
            "online",
            "degraded",
            "blind",
            "maintenance",
            "unknown",
        ]);
    });

    it("hold the alerts of their cameras, worst and then newest first, and no neighbour's", () => {
        const found = standing({}, [
            alert("1", "north-camera", "warning"),
            alert("2", "north-camera", "major", { state: "claimed" }),
            alert("3", "north-camera", "warning"),
            alert("4", "north-camera", "critical", { home: "next-station" }),
            alert("5", "elsewhere", "info", { cameras: ["south-camera", "south-camera"], state: "acknowledged" }),
        ]);
        const north = found.get("north");
        expect(north?.alerts.map(({ alert_id }) => alert_id)).toEqual(["2", "3", "1"]);
        expect([north?.severity, north?.unanswered]).toEqual(["major", true]);
        const south = found.get("south");
        expect(south?.alerts.map(({ alert_id }) => alert_id)).toEqual(["5"]);
        expect(south?.unanswered).toBe(false);
    });

    it("are summed up, each alert once", () => {
        const both = alert("1", "north-camera", "info", { cameras: ["south-camera"] });
        expect(sumUp(standing({ "south-camera": "offline" }, [both]).values())).toEqual({
            gates: 2,
            whole: 1,
            partly: 0,
            blind: 1,
            bare: 0,
            streaming: 1,
            declared: 2,
            alerts: 1,
        });
    });

    it("ask for attention in this order", () => {
        const of = (state: State, open: Raised[] = []) => {
            const one = standing({ "south-camera": state }, open).get("south");
            return one ? urgency(one, "line") : NaN;
        };
        const raised = (severity: string) => [alert("1", "south-camera", severity)];
        const order = [
            of("online", raised("critical")),
            of("online", raised("major")),
            of("offline"),
            of("online", raised("warning")),
            of("online", raised("info")),
            of("degraded"),
            of("online"),
        ];
        expect(order).toEqual([...order].sort((a, b) => b - a));
        expect(order.map((urgent) => urgent >= URGENT)).toEqual([true, true, true, true, true, false, false]);
    });
});
