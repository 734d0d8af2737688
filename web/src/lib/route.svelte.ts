// Where one is in the page: `#/playback?camera=north-gate&at=…`.

export interface Route {
    /** The page: `wall`, `live`, … */
    page: string;
    /** What is shown there. */
    parameters: URLSearchParams;
}

function read(): Route {
    const [page = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
    return { page: page || "wall", parameters: new URLSearchParams(query) };
}

let route = $state.raw<Route>(read());

addEventListener("hashchange", () => {
    route = read();
});

export function currentRoute(): Route {
    return route;
}

/** An address within the page. Empty values are left out. */
export function address(page: string, parameters: Record<string, string | null | undefined> = {}): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) if (value) query.set(name, value);
    const text = query.toString();
    return `#/${page}${text ? `?${text}` : ""}`;
}

/** Goes there; `replace` leaves no step to come back to. */
export function go(to: string, how: "push" | "replace" = "push"): void {
    if (how === "push") {
        location.hash = to;
        return;
    }
    history.replaceState(null, "", to);
    route = read();
}
