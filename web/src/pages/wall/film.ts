// When a film begins, as the server says along with it.

/** Unix milliseconds. Where only the film's name says it, it is known to the second. */
export function beginOf(headers: Headers): { at: number; precise: boolean } | null {
    const exact = Date.parse(headers.get("cunkou-from") ?? "");
    if (!Number.isNaN(exact)) return { at: exact, precise: true };
    const name = /-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.mp4/.exec(headers.get("content-disposition") ?? "");
    if (!name) return null;
    const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = name.slice(1).map(Number);
    return { at: Date.UTC(year, month - 1, day, hour, minute, second), precise: false };
}
