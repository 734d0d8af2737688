// From latitude and longitude to metres on a flat drawing: good to a thousandth over the few dozen kilometres of a station.

/** Metres east and south of the drawing's origin. South, since a drawing's y grows downwards. */
export interface Spot {
    x: number;
    y: number;
}

export interface Location {
    lat: number;
    lon: number;
}

const M_A_DEGREE = 111_195;

/** Equirectangular around the middle of these places. */
export function projection(places: readonly Location[]): (place: Location) => Spot {
    const lats = places.map(({ lat }) => lat);
    const lat0 = lats.length > 0 ? (Math.min(...lats) + Math.max(...lats)) / 2 : 0;
    const lon0 = places[0]?.lon ?? 0;
    const across = Math.cos((lat0 * Math.PI) / 180) * M_A_DEGREE;
    return ({ lat, lon }) => {
        // The short way round, should a station lie on the date line.
        const east = ((((lon - lon0 + 180) % 360) + 360) % 360) - 180;
        return { x: east * across, y: (lat0 - lat) * M_A_DEGREE };
    };
}

export function distance(a: Spot, b: Spot): number {
    return Math.hypot(a.x - b.x, a.y - b.y);
}

export function middle(spots: readonly Spot[]): Spot {
    const n = Math.max(1, spots.length);
    return { x: spots.reduce((sum, { x }) => sum + x, 0) / n, y: spots.reduce((sum, { y }) => sum + y, 0) / n };
}

/** Of a polygon; of its corners where it has no area. */
export function centroid(corners: readonly Spot[]): Spot {
    let [twice, x, y] = [0, 0, 0];
    corners.forEach((a, at) => {
        const b = corners[(at + 1) % corners.length] ?? a;
        const cross = a.x * b.y - b.x * a.y;
        twice += cross;
        x += (a.x + b.x) * cross;
        y += (a.y + b.y) * cross;
    });
    return Math.abs(twice) < 1e-6 ? middle(corners) : { x: x / (3 * twice), y: y / (3 * twice) };
}
