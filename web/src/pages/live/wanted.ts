// What the wall of live pictures shows: which cameras, how many at once, which page of them. In the address, and kept for the next time.

export const LAYOUTS = [1, 4, 9, 16] as const;
export type Layout = (typeof LAYOUTS)[number];
/** Seconds that a page stays while one goes round. */
export const ROUNDS = [5, 10, 20, 30, 60] as const;

export interface Wanted {
    /** In their order; `null`: every camera, as the server lists them. */
    cameras: string[] | null;
    /** `null`: as many as there are. */
    layout: Layout | null;
    /** From 0. */
    page: number;
    /** The one that fills everything. */
    full: string | null;
    /** Goes on to the next page by itself after so many seconds. */
    round: number | null;
}

export const NOTHING: Wanted = { cameras: null, layout: null, page: 0, full: null, round: null };

/** What the address says; `null` where it says nothing about cameras or layout. */
export function fromAddress(parameters: URLSearchParams): Wanted | null {
    const keys = ["camera", "layout", "page", "full", "round"];
    if (!keys.some((key) => parameters.has(key))) return null;
    const cameras = (parameters.get("camera") ?? "").split(",").filter((id) => id !== "");
    const layout = Number(parameters.get("layout"));
    const page = Number(parameters.get("page"));
    const round = Number(parameters.get("round"));
    return {
        cameras: cameras.length ? [...new Set(cameras)] : null,
        layout: LAYOUTS.find((known) => known === layout) ?? null,
        page: Number.isInteger(page) && page > 1 ? page - 1 : 0,
        full: parameters.get("full") || null,
        round: Number.isInteger(round) && round >= 2 && round <= 3600 ? round : null,
    };
}

export function toAddress(wanted: Wanted): Record<string, string | null> {
    return {
        camera: wanted.cameras?.join(",") ?? null,
        layout: wanted.layout === null ? null : String(wanted.layout),
        page: wanted.page > 0 ? String(wanted.page + 1) : null,
        full: wanted.full,
        round: wanted.round === null ? null : String(wanted.round),
    };
}

/** The smallest layout that holds so many; the largest where none does. */
export function fitting(count: number): Layout {
    return LAYOUTS.find((layout) => layout >= count) ?? 16;
}

/** Columns of a layout on a screen of this shape: a phone held upright has few. */
export function columnsOf(layout: Layout, shown: number, upright: boolean): number {
    if (upright) return layout <= 4 ? 1 : 2;
    // Two pictures are beside each other, not in two rows of one.
    return Math.min(Math.sqrt(layout), Math.max(1, shown));
}

export interface Paged {
    ids: string[];
    page: number;
    pages: number;
}

/** One page of them; a page that is not there any more is the last one. */
export function pageOf(ids: string[], layout: Layout, page: number): Paged {
    const pages = Math.max(1, Math.ceil(ids.length / layout));
    const at = Math.min(Math.max(0, page), pages - 1);
    return { ids: ids.slice(at * layout, (at + 1) * layout), page: at, pages };
}

/** The same, with `id` before or behind `other`, whichever side it comes from. */
export function moved(ids: string[], id: string, other: string): string[] {
    const [from, to] = [ids.indexOf(id), ids.indexOf(other)];
    if (from < 0 || to < 0 || from === to) return ids;
    return ids.toSpliced(from, 1).toSpliced(to, 0, id);
}

/** The same, with `id` some places further. */
export function shifted(ids: string[], id: string, by: number): string[] {
    const from = ids.indexOf(id);
    const other = ids[Math.min(Math.max(0, from + by), ids.length - 1)];
    return from < 0 || other === undefined ? ids : moved(ids, id, other);
}
