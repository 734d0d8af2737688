// Keys: each part of the page says which ones it answers, and `?` shows them all.

import { untrack } from "svelte";

export interface Binding {
    /** As `KeyboardEvent.key`, lower case: `j`, `enter`, `arrowleft`, `shift+/`. */
    key: string;
    /** What it does, for the list of keys. */
    says: () => string;
    act: (event: KeyboardEvent) => void;
}

let layers = $state.raw<Binding[][]>([]);

/** Answers these keys until the returned function is called; the newest layer goes first. Use within `$effect`. */
export function answerKeys(bindings: Binding[]): () => void {
    layers = [...untrack(() => layers), bindings];
    return () => {
        layers = layers.filter((layer) => layer !== bindings);
    };
}

export function allBindings(): Binding[] {
    return layers.toReversed().flat();
}

function isTyping(target: EventTarget | null): boolean {
    return (
        target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
    );
}

function spelt(event: KeyboardEvent): string {
    const key = event.key.toLowerCase();
    return event.shiftKey && key.length > 1 ? `shift+${key}` : key;
}

addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target) && event.key !== "Escape") return;
    // Enter and space on a button are the button's.
    if (
        (event.key === "Enter" || event.key === " ") &&
        event.target instanceof HTMLElement &&
        event.target.closest("button, a, [role=button]")
    )
        return;
    const key = spelt(event);
    const binding = allBindings().find((known) => known.key === key);
    if (!binding) return;
    event.preventDefault();
    binding.act(event);
});
