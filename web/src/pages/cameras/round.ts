// The list that the maintainer takes on his round: what is broken, where, why, and what to do about it, as plain text.

import type { Seen } from "./state";

export interface Line {
    place: string;
    name: string;
    id: string;
    state: string;
    cause: string;
    advice: string;
    since: string;
}

export interface Stop {
    village: string;
    /** "3 of 5 stream". */
    standing: string;
    lines: Line[];
}

/** Broken cameras by village, villages with most to do first. `says` puts it into the page's language. */
export function stops(
    broken: readonly Seen[],
    says: { line: (one: Seen) => Line; village: (one: Seen) => string; standing: (village: string) => string },
): Stop[] {
    const found = new Map<string, Stop>();
    for (const one of broken) {
        const id = one.camera.village.id;
        const stop = found.get(id) ?? { village: says.village(one), standing: says.standing(id), lines: [] };
        found.set(id, stop);
        stop.lines.push(says.line(one));
    }
    return [...found.values()].sort((a, b) => b.lines.length - a.lines.length);
}

export function asText(head: string, all: readonly Stop[]): string {
    const parts = all.map(({ village, standing, lines }) =>
        [
            `${village} (${standing})`,
            ...lines.map(
                ({ place, name, id, state, cause, advice, since }) =>
                    `  [ ] ${place} · ${name} (${id}) · ${state}${cause ? ` · ${cause}` : ""} · ${since}${advice ? `\n      ${advice}` : ""}`,
            ),
        ].join("\n"),
    );
    return [head, ...parts].join("\n\n");
}
