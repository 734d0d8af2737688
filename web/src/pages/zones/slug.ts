// Ids from names: `[a-z0-9][a-z0-9-]{0,47}`.

const LENGTH_MAX = 48;

/** Of a name, what may stand in an id; `""` where nothing may, as of a Chinese one. */
export function slug(name: string): string {
    return name
        .normalize("NFKD")
        .replace(/\p{M}/gu, "")
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "")
        .slice(0, LENGTH_MAX)
        .replace(/-+$/, "");
}

/** An id that nobody has: of the name, or else `noun-1`; the next number where it is taken. */
export function freshId(name: string, noun: string, taken: ReadonlySet<string>): string {
    const stem = slug(name);
    if (stem && !taken.has(stem)) return stem;
    for (let number = stem ? 2 : 1; ; number++) {
        const tail = `-${number}`;
        const id = (stem || noun).slice(0, LENGTH_MAX - tail.length) + tail;
        if (!taken.has(id)) return id;
    }
}
