// How big marks are and which names are wanted beside them, at one scale.

import type { Name } from "../../lib/language.svelte";
import { URGENT, type Standing } from "./gates";
import { placeLabels, type Placed, type Wish } from "./labels";
import type { Box, DrawnGate, DrawnVillage, Layout } from "./layout";
import { middle, type Spot } from "./projection";

/** What somebody points at. */
export interface Choice {
    kind: "gate" | "village";
    id: string;
}

export interface ShownGate {
    gate: DrawnGate;
    standing: Standing;
    urgent: number;
}

/** A name on the drawing: `x` and `y` are of the scale that it was placed at, `mark` is the spot that it goes with. */
export interface DrawnName extends Placed {
    kind: "gate" | "village" | "road";
    mark: Spot;
}

/** Names of gates are drawn where a gate has this much room, pixels. */
const NAMED_PX = 26;
const ROAD_PX = 120;

/** How wide a mark is, pixels. What asks for attention stays big, as far as there is room for all. */
export function markSize({ gate, urgent }: ShownGate, k: number, layout: Layout, chosen: Choice | null): number {
    const least = isChosen(chosen, "gate", gate.id) ? 20 : urgent >= URGENT ? leastUrgent(layout, k) : 8;
    return Math.max(least, Math.min(20, gate.room * k * 0.8));
}

function leastUrgent({ box, gates }: Layout, k: number): number {
    const room = k * Math.sqrt(((box.right - box.left) * (box.bottom - box.top)) / Math.max(1, gates.length));
    return Math.max(10, Math.min(16, room * 0.5));
}

export function isChosen(chosen: Choice | null, kind: Choice["kind"], id: string): boolean {
    return chosen?.kind === kind && chosen.id === id;
}

export function standingOfVillage(
    village: DrawnVillage,
    standings: ReadonlyMap<string, Standing>,
): { streaming: number; declared: number } {
    const own = village.gates.map((gate) => standings.get(gate.id));
    return {
        streaming: own.reduce((sum, one) => sum + (one?.streaming ?? 0), 0),
        declared: own.reduce((sum, one) => sum + (one?.declared ?? 0), 0),
    };
}

/** Which names are drawn at this scale, and where. Villages first, then what asks for attention, then what there is room for. */
export function namesAt(
    k: number,
    layout: Layout,
    gates: readonly ShownGate[],
    standings: ReadonlyMap<string, Standing>,
    chosen: Choice | null,
    say: (name: Name) => string,
): DrawnName[] {
    const wishes: Wish[] = [];
    const marks: Box[] = [];
    const of = new Map<string, Pick<DrawnName, "kind" | "mark">>();
    const wish = (kind: DrawnName["kind"], id: string, mark: Spot, more: Omit<Wish, "id" | "x" | "y">) => {
        wishes.push({ id: `${kind} ${id}`, x: mark.x * k, y: mark.y * k, ...more });
        of.set(`${kind} ${id}`, { kind, mark });
    };
    for (const one of gates) {
        const { gate, standing, urgent } = one;
        const reach = markSize(one, k, layout, chosen) / 2;
        const [x, y] = [gate.x * k, gate.y * k];
        marks.push({ left: x - reach, right: x + reach, top: y - reach, bottom: y + reach });
        const own = isChosen(chosen, "gate", gate.id);
        if (gate.room * k < NAMED_PX && urgent < URGENT && !own) continue;
        wish("gate", gate.id, gate, {
            text: say(gate.name),
            reach: standing.severity ? reach + 6 : reach,
            size: 12,
            weight: own ? 5000 : urgent >= URGENT ? 500 + urgent : urgent,
            sides: ["right", "left", "below", "above"],
            insists: own,
        });
    }
    for (const village of layout.villages) {
        const { streaming, declared } = standingOfVillage(village, standings);
        const reach = village.radius * k;
        wish("village", village.id, village, {
            text: streaming < declared ? `${say(village.name)} ${streaming}/${declared}` : say(village.name),
            reach: Math.min(reach, 60),
            size: reach > 70 ? 15 : 13,
            weight: (isChosen(chosen, "village", village.id) ? 4000 : 1000) + village.gates.length,
            sides: ["middle", "below", "above"],
            insists: true,
        });
    }
    for (const road of layout.roads) {
        const [before, spot] = [road.path[(road.path.length >> 1) - 1], road.path[road.path.length >> 1]];
        if (road.length * k < ROAD_PX || !spot || !before) continue;
        wish("road", road.id, middle([spot, before]), {
            text: say(road.name),
            reach: 2,
            size: 11,
            weight: 10,
            sides: ["above", "below", "right", "left"],
            insists: false,
        });
    }
    return placeLabels(wishes, marks).flatMap((label) => {
        const known = of.get(label.id);
        return known ? [{ ...label, ...known }] : [];
    });
}
