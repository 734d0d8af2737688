// Where everything stands on the drawing, from what the configuration tells of places.
//
// What has a place stands there. What has none stands where it is easily found: villages on a calm grid, below those that have a place;
// gates around their village, by level: points inside, lines at its edge, blocks and the ring farther out.

import type { Schemas } from "../../lib/api/client";
import type { Name } from "../../lib/language.svelte";
import { centroid, distance, middle, projection, type Location, type Spot } from "./projection";

export type Perimeter = Schemas["perimeter"];
export type Level = Perimeter["entry_points"][number]["level"];
export const LEVELS: readonly Level[] = ["ring", "block", "line", "point"];

export interface DrawnVillage extends Spot {
    id: string;
    name: Name;
    /** Metres: the soft circle where there is no outline. */
    radius: number;
    outline: Spot[] | null;
    /** Whether it stands where the configuration says. */
    placed: boolean;
    gates: DrawnGate[];
}

export interface DrawnCamera extends Spot {
    id: string;
    /** Clockwise from north. */
    heading_deg: number | null;
    /** Whether it has a place of its own beside the gate. */
    apart: boolean;
}

export interface DrawnGate extends Spot {
    id: string;
    name: Name;
    level: Level;
    village: string;
    placed: boolean;
    /** Metres to the next gate. */
    room: number;
    cameras: DrawnCamera[];
}

export interface DrawnRoad {
    id: string;
    name: Name;
    path: Spot[];
    /** Metres. */
    length: number;
}

export interface Box {
    left: number;
    top: number;
    right: number;
    bottom: number;
}

export interface Layout {
    villages: DrawnVillage[];
    gates: DrawnGate[];
    roads: DrawnRoad[];
    box: Box;
    /** How much of it stands where it is on earth: there are distances and a north only where something does. */
    placed: "all" | "some" | "none";
}

/** How far from the village's middle gates without a place stand, in its radii. */
const REACH: Record<Level, number> = { point: 0.74, line: 1, block: 1.3, ring: 1.6 };
/** Metres from village to village where nothing has a place, and bounds of it where something has. */
const APART_M = 1000;
const APART_M_MIN = 150;
const APART_M_MAX = 3000;

export function layOut(perimeter: Perimeter): Layout {
    const project = projection(placesOf(perimeter));
    const maybe = (place: Location | null) => (place ? project(place) : null);
    const gateSpots = new Map(perimeter.entry_points.map((gate) => [gate.id, spotOfGate(gate, project)]));

    const villages = perimeter.villages.map((village): DrawnVillage => {
        const outline =
            village.outline && village.outline.length >= 3 ? village.outline.map((at) => project(pair(at))) : null;
        const own = perimeter.entry_points.filter((gate) => gate.village === village.id);
        const around = own.flatMap((gate) => gateSpots.get(gate.id) ?? []);
        const spot =
            maybe(village.location) ??
            (outline ? centroid(outline) : null) ??
            (around.length > 0 ? middle(around) : null);
        return {
            id: village.id,
            name: village.name,
            x: spot?.x ?? 0,
            y: spot?.y ?? 0,
            radius: 0,
            outline,
            placed: spot !== null,
            gates: [],
        };
    });
    const roads = perimeter.roads.map(({ id, name, path }): DrawnRoad => {
        const spots = path.map((at) => project(pair(at)));
        return { id, name, path: spots, length: lengthOf(spots) };
    });

    const apart = usualDistance(villages.filter(({ placed }) => placed));
    const located = [...gateSpots.values()].filter((spot) => spot !== null);
    const known = around([
        ...villages.filter(({ placed }) => placed),
        ...located,
        ...roads.flatMap(({ path }) => path),
    ]);
    standOnGrid(
        villages.filter(({ placed }) => !placed),
        apart,
        known,
    );
    for (const village of villages) village.radius = radiusOf(village, villages, apart, perimeter, gateSpots);

    const byId = new Map(villages.map((village) => [village.id, village]));
    const gates: DrawnGate[] = [];
    for (const village of villages) {
        const own = perimeter.entry_points.filter((gate) => gate.village === village.id);
        village.gates = standAround(village, own, gateSpots, project);
        gates.push(...village.gates);
    }
    // A gate of a village that this account may not see stands alone, if it has a place.
    for (const gate of perimeter.entry_points) {
        const spot = gateSpots.get(gate.id);
        if (spot && !byId.has(gate.village)) gates.push(drawn(gate, spot, true, project));
    }
    makeRoom(gates, apart);

    const placed = [...villages, ...gates].filter((one) => one.placed).length;
    return {
        villages,
        gates,
        roads,
        box: boxOf(villages, gates, roads),
        placed:
            placed === 0 && roads.length === 0 ? "none" : placed === villages.length + gates.length ? "all" : "some",
    };
}

function pair([lat = 0, lon = 0]: number[]): Location {
    return { lat, lon };
}

function placesOf(perimeter: Perimeter): Location[] {
    const gates = perimeter.entry_points.flatMap(({ location, cameras }) => [
        location,
        ...cameras.map((one) => one.location),
    ]);
    const villages = perimeter.villages.flatMap(({ location, outline }) => [location, ...(outline ?? []).map(pair)]);
    return [...villages, ...gates, ...perimeter.roads.flatMap(({ path }) => path.map(pair))].filter(
        (place) => place !== null,
    );
}

/** Its own place, or the middle of its cameras'. */
function spotOfGate(gate: Perimeter["entry_points"][number], project: (place: Location) => Spot): Spot | null {
    if (gate.location) return project(gate.location);
    const cameras = gate.cameras.flatMap(({ location }) => (location ? [project(location)] : []));
    return cameras.length > 0 ? middle(cameras) : null;
}

function lengthOf(path: readonly Spot[]): number {
    return path.slice(1).reduce((sum, spot, at) => sum + distance(spot, path[at] ?? spot), 0);
}

/** How far villages are from their next one, half of them. */
function usualDistance(villages: readonly Spot[]): number {
    const nearest = villages.map((one) => nextTo(one, villages)).filter(Number.isFinite);
    nearest.sort((a, b) => a - b);
    const half = nearest[nearest.length >> 1] ?? APART_M;
    return Math.min(APART_M_MAX, Math.max(APART_M_MIN, half));
}

function nextTo<S extends Spot>(one: S, all: readonly S[]): number {
    let found = Infinity;
    for (const other of all) if (other !== one) found = Math.min(found, distance(one, other));
    return found;
}

/** Villages without a place: row by row, below what has one. */
function standOnGrid(villages: DrawnVillage[], apart: number, known: Box | null): void {
    const width = known ? known.right - known.left : 0;
    const columns = known
        ? Math.max(3, Math.floor(width / apart) + 1)
        : Math.max(1, Math.ceil(Math.sqrt(villages.length * 1.5)));
    const left = known ? known.left : 0;
    const top = known ? known.bottom + apart * 1.2 : 0;
    villages.forEach((village, at) => {
        village.x = left + (at % columns) * apart;
        village.y = top + Math.floor(at / columns) * apart;
    });
}

function radiusOf(
    village: DrawnVillage,
    all: readonly DrawnVillage[],
    apart: number,
    perimeter: Perimeter,
    gateSpots: ReadonlyMap<string, Spot | null>,
): number {
    if (village.outline) return Math.max(...village.outline.map((corner) => distance(corner, village)));
    if (!village.placed) return apart * 0.28;
    const most = Math.min(apart * 0.6, nextTo(village, all) * 0.42);
    const reaches = perimeter.entry_points
        .filter((gate) => gate.village === village.id)
        .flatMap((gate) => gateSpots.get(gate.id) ?? [])
        .map((spot) => distance(spot, village))
        .sort((a, b) => a - b);
    const usual = reaches[reaches.length >> 1] ?? apart * 0.26;
    return Math.max(1, Math.min(most, Math.max(apart * 0.12, usual)));
}

/** Gates with a place stand there; the others in the widest gap between those, by level. */
function standAround(
    village: DrawnVillage,
    own: readonly Perimeter["entry_points"][number][],
    gateSpots: ReadonlyMap<string, Spot | null>,
    project: (place: Location) => Spot,
): DrawnGate[] {
    const placed = own.flatMap((gate) => gateSpots.get(gate.id) ?? []);
    const lost = own.filter((gate) => !gateSpots.get(gate.id));
    lost.sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
    const bearings = bearingsIn(
        placed.map((spot) => Math.atan2(spot.y - village.y, spot.x - village.x)),
        lost.length,
    );
    const made = own.flatMap((gate) => {
        const spot = gateSpots.get(gate.id);
        return spot ? [drawn(gate, spot, true, project)] : [];
    });
    lost.forEach((gate, at) => {
        const bearing = bearings[at] ?? 0;
        const reach = village.radius * REACH[gate.level];
        const spot = { x: village.x + Math.cos(bearing) * reach, y: village.y + Math.sin(bearing) * reach };
        made.push(drawn(gate, spot, false, project));
    });
    return made.sort((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
}

/** Half of the arc, above and below, in which gates stand around a village that has none with a place. Its name lies across the middle. */
const ARC = (50 * Math.PI) / 180;

/** `count` directions: above and below in turn, or evenly within the widest gap between `taken` ones. Radians, clockwise on a drawing. */
export function bearingsIn(taken: readonly number[], count: number): number[] {
    const turn = 2 * Math.PI;
    if (taken.length === 0) {
        const halves = [Math.ceil(count / 2), Math.floor(count / 2)];
        return Array.from({ length: count }, (_, at) => {
            const half = at % 2;
            const share = ((at >> 1) + 0.5) / Math.max(1, halves[half] ?? 1);
            return (half === 0 ? -turn / 4 : turn / 4) + (share - 0.5) * 2 * ARC;
        });
    }
    const sorted = [...taken].sort((a, b) => a - b);
    let [from, gap] = [0, 0];
    sorted.forEach((angle, at) => {
        const next = at + 1 < sorted.length ? (sorted[at + 1] ?? 0) : (sorted[0] ?? 0) + turn;
        if (next - angle > gap) [from, gap] = [angle, next - angle];
    });
    return Array.from({ length: count }, (_, at) => from + (gap * (at + 1)) / (count + 1));
}

function drawn(
    gate: Perimeter["entry_points"][number],
    spot: Spot,
    placed: boolean,
    project: (place: Location) => Spot,
): DrawnGate {
    const cameras = gate.cameras.map(({ id, location, heading_deg }): DrawnCamera => {
        const at = location ? project(location) : spot;
        return { id, x: at.x, y: at.y, heading_deg, apart: location !== null && distance(at, spot) > 1 };
    });
    return {
        id: gate.id,
        name: gate.name,
        level: gate.level,
        village: gate.village,
        placed,
        room: 0,
        x: spot.x,
        y: spot.y,
        cameras,
    };
}

/** Moves gates apart that stand upon each other, and says how much room each has. */
function makeRoom(gates: DrawnGate[], apart: number): void {
    const taken = new Map<string, number>();
    for (const gate of gates) {
        const key = `${Math.round(gate.x)} ${Math.round(gate.y)}`;
        const nth = taken.get(key) ?? 0;
        taken.set(key, nth + 1);
        if (nth > 0) {
            const angle = nth * 2.399963;
            const far = apart * 0.03 * Math.sqrt(nth);
            gate.x += Math.cos(angle) * far;
            gate.y += Math.sin(angle) * far;
            for (const camera of gate.cameras) if (!camera.apart) [camera.x, camera.y] = [gate.x, gate.y];
        }
    }
    for (const gate of gates) gate.room = nextTo(gate, gates);
}

function around(spots: readonly Spot[]): Box | null {
    if (spots.length === 0) return null;
    return {
        left: Math.min(...spots.map(({ x }) => x)),
        right: Math.max(...spots.map(({ x }) => x)),
        top: Math.min(...spots.map(({ y }) => y)),
        bottom: Math.max(...spots.map(({ y }) => y)),
    };
}

function boxOf(villages: readonly DrawnVillage[], gates: readonly DrawnGate[], roads: readonly DrawnRoad[]): Box {
    const spots: Spot[] = villages.flatMap(({ x, y, radius }) => [
        { x: x - radius, y: y - radius },
        { x: x + radius, y: y + radius },
    ]);
    spots.push(...gates, ...gates.flatMap(({ cameras }) => cameras), ...roads.flatMap(({ path }) => path));
    return around(spots) ?? { left: -500, right: 500, top: -500, bottom: 500 };
}
