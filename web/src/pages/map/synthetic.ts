// A perimeter of any size out of nothing, the same for the same seed: to see that the drawing stays fluid and legible at the size of a large station.

import type { Level, Perimeter } from "./layout";

export interface Wanted {
    villages: number;
    cameras: number;
    seed: number;
    /** Share of villages and gates that have a place, 0 to 1. */
    placed: number;
}

const FIRST = ["上", "下", "东", "西", "大", "小", "新", "老", "南", "北"];
const SECOND = ["王", "李家", "河", "桥", "沟", "坪", "湾", "岭", "柳树", "石"];
const LAST = ["村", "庄", "营", "寨"];
const PLACE_ZH = [
    "北口",
    "南口",
    "东口",
    "西口",
    "学校路",
    "桥头",
    "河边小路",
    "后山道",
    "晒谷场",
    "渠道口",
    "老路",
    "机耕路",
];
const PLACE_EN = [
    "north",
    "south",
    "east",
    "west",
    "school road",
    "bridge",
    "river path",
    "hill track",
    "yard",
    "canal",
    "old road",
    "field road",
];

export function syntheticPerimeter({ villages, cameras, seed, placed }: Wanted): Perimeter {
    const draw = dice(seed);
    const columns = Math.ceil(Math.sqrt(villages * 1.5));
    const made: Perimeter = { villages: [], roads: [], entry_points: [] };
    const spots: [number, number][] = [];
    for (let n = 0; n < villages; n++) {
        const lat = 31.3 - (Math.floor(n / columns) + draw() * 0.7) * 0.014;
        const lon = 120.4 + ((n % columns) + draw() * 0.7) * 0.016;
        spots.push([lat, lon]);
        const zh = `${FIRST[n % 10]}${SECOND[Math.floor(n / 10) % 10]}${LAST[n % 4]}`;
        const has = draw() < placed;
        made.villages.push({
            id: `village-${n}`,
            name: { zh, en: `Village ${n + 1}` },
            location: has ? { lat, lon } : null,
            outline: has && draw() < 0.3 ? outline(lat, lon, draw) : null,
        });
    }
    if (placed > 0) made.roads = roads(spots, columns);
    let left = cameras;
    for (let n = 0; left > 0; n++) {
        const village = n % villages;
        const [lat, lon] = spots[village] ?? [0, 0];
        const level: Level =
            (["ring", "block", "block", "line", "line", "line", "line", "line", "point", "point"] as const)[
                Math.floor(draw() * 10)
            ] ?? "line";
        const far = { point: 0.0015, line: 0.003, block: 0.0042, ring: 0.0058 }[level] * (0.8 + draw() * 0.4);
        const angle = draw() * 2 * Math.PI;
        const has = draw() < placed;
        const at = { lat: lat + Math.cos(angle) * far, lon: lon + (Math.sin(angle) * far) / 0.86 };
        const count = Math.min(left, 1 + Math.floor(draw() * draw() * 5));
        left -= count;
        const which = Math.floor(n / villages) % PLACE_ZH.length;
        made.entry_points.push({
            id: `gate-${n}`,
            name: { zh: PLACE_ZH[which] ?? "口", en: PLACE_EN[which] ?? "gate" },
            level,
            village: `village-${village}`,
            location: has ? at : null,
            cameras: Array.from({ length: count }, (_, nth) => ({
                id: `camera-${cameras - left - count + nth}`,
                location:
                    has && draw() < 0.2
                        ? { lat: at.lat + (draw() - 0.5) * 4e-4, lon: at.lon + (draw() - 0.5) * 4e-4 }
                        : null,
                heading_deg: draw() < 0.7 ? Math.floor(draw() * 360) : null,
            })),
        });
    }
    return made;
}

function outline(lat: number, lon: number, draw: () => number): number[][] {
    return Array.from({ length: 7 }, (_, nth) => {
        const angle = (nth / 7) * 2 * Math.PI;
        const far = 0.0022 + draw() * 0.0012;
        return [lat + Math.cos(angle) * far, lon + (Math.sin(angle) * far) / 0.86];
    });
}

/** One along every second row of villages, one across. */
function roads(spots: readonly [number, number][], columns: number): Perimeter["roads"] {
    const rows = Math.ceil(spots.length / columns);
    const along = Array.from({ length: Math.ceil(rows / 2) }, (_, row) =>
        spots.slice(row * 2 * columns, (row * 2 + 1) * columns),
    );
    const across = Array.from({ length: Math.floor(columns / 3) }, (_, nth) =>
        spots.filter((_, at) => at % columns === nth * 3 + 1),
    );
    return [...along, ...across]
        .filter((path) => path.length > 1)
        .map((path, nth): Perimeter["roads"][number] => ({
            id: `road-${nth}`,
            name: { zh: nth % 2 ? `乡道 Y${100 + nth}` : `县道 X${200 + nth}`, en: `Road ${nth + 1}` },
            kind: "road",
            path: path.map(([lat, lon]) => [lat + 0.001, lon]),
        }));
}

/** Numbers from 0 to 1 (mulberry32). */
function dice(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
}
