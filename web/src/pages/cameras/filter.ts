// Which cameras are shown: read from the page's address and written into it.

import { STATES, type Seen, type State } from "./state";

export interface Filter {
    states: State[];
    village: string;
    entry_point: string;
    level: string;
    cause: string;
    text: string;
}

/** A cause that no camera reports as one: its clock is off by more than two seconds, which is too little to degrade it. */
export const SKEWED = "skewed";

export function readFilter(parameters: URLSearchParams): Filter {
    const wanted = (parameters.get("state") ?? "").split(",");
    return {
        states: STATES.filter((state) => wanted.includes(state)),
        village: parameters.get("village") ?? "",
        entry_point: parameters.get("entry_point") ?? "",
        level: parameters.get("level") ?? "",
        cause: parameters.get("cause") ?? "",
        text: parameters.get("text") ?? "",
    };
}

/** For `address()`; what does not narrow is left out. */
export function writeFilter(filter: Filter): Record<string, string> {
    const { states, ...others } = filter;
    const written: Record<string, string> = { state: states.join(","), ...others };
    return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== ""));
}

export function isNarrow(filter: Filter): boolean {
    return Object.keys(writeFilter(filter)).length > 0;
}

/** Lower case, and full-width letters and digits as the plain ones. */
function plain(text: string): string {
    return text.normalize("NFKC").toLowerCase();
}

const saidOnce = new WeakMap<Seen["camera"], string>();

/** All that a camera can be found by. */
export function saidOf({ camera }: Seen): string {
    let said = saidOnce.get(camera);
    if (said === undefined) {
        const names = [camera.name, camera.village.name, camera.entry_point.name].flatMap(({ zh, en }) => [zh, en]);
        said = plain([camera.id, camera.entry_point.id, camera.village.id, ...names].join("\n"));
        saidOnce.set(camera, said);
    }
    return said;
}

type Part = keyof Omit<Filter, "text"> | "text";

/** A test of cameras. `but`: every part of the filter except this one, to say how many another choice would show. */
export function matcher(filter: Filter, skewed: (one: Seen) => boolean, but?: Part): (one: Seen) => boolean {
    const states = new Set<State>(but === "states" || filter.states.length === 0 ? STATES : filter.states);
    const village = but === "village" ? "" : filter.village;
    const gate = but === "entry_point" ? "" : filter.entry_point;
    const level = but === "level" ? "" : filter.level;
    const cause = but === "cause" ? "" : filter.cause;
    const parts = but === "text" ? [] : plain(filter.text).split(/\s+/u).filter(Boolean);
    return (one) => {
        const { camera, health } = one;
        if (!states.has(one.state)) return false;
        if (village && camera.village.id !== village) return false;
        if (gate && camera.entry_point.id !== gate) return false;
        if (level && camera.level !== level) return false;
        if (cause === SKEWED ? !skewed(one) : cause && !(health?.reasons as string[] | undefined)?.includes(cause))
            return false;
        if (parts.length === 0) return true;
        const text = saidOf(one);
        return parts.every((part) => text.includes(part));
    };
}
