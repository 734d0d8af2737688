// A unified diff, line by line, for people.

export interface DiffLine {
    kind: "added" | "removed" | "same" | "place";
    text: string;
    /** Its number in the file as it is, and as it would be; `null` where it has none. */
    old: number | null;
    new: number | null;
}

export interface Diff {
    lines: DiffLine[];
    added: number;
    removed: number;
}

export function readDiff(unified: string): Diff {
    const diff: Diff = { lines: [], added: 0, removed: 0 };
    let [old, fresh] = [0, 0];
    let within = false;
    for (const line of unified.replace(/\r?\n$/, "").split(/\r?\n/)) {
        const place = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$/.exec(line);
        if (place) {
            within = true;
            [old, fresh] = [Number(place[1]), Number(place[2])];
            diff.lines.push({ kind: "place", text: (place[3] ?? "").trim(), old, new: fresh });
        } else if (!within || line.startsWith("\\")) {
            // The names of the files, and "no newline at end of file".
        } else if (line.startsWith("+")) {
            diff.lines.push({ kind: "added", text: line.slice(1), old: null, new: fresh++ });
            diff.added++;
        } else if (line.startsWith("-")) {
            diff.lines.push({ kind: "removed", text: line.slice(1), old: old++, new: null });
            diff.removed++;
        } else {
            diff.lines.push({ kind: "same", text: line.slice(1), old: old++, new: fresh++ });
        }
    }
    return diff;
}
