// Dark (night shift) or light.

export type Theme = "dark" | "light";

const KEPT = "cunkou.theme";

let theme = $state<Theme>(localStorage.getItem(KEPT) === "light" ? "light" : "dark");

export function currentTheme(): Theme {
    return theme;
}

export function chooseTheme(chosen: Theme): void {
    theme = chosen;
    localStorage.setItem(KEPT, chosen);
    document.documentElement.dataset["theme"] = chosen;
}
