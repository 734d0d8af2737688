// Whoever leaves with something unsaved is asked first, wherever in the page he wants to go.

/**
 * Until the returned function is called: asks the browser to ask before the page is closed, and stops a change of the address within the page
 * where `isChanged()`, telling `asked` where it would have led.
 */
export function guardLeaving(isChanged: () => boolean, asked: (to: string) => void): () => void {
    const here = location.hash;
    const beforeUnload = (event: BeforeUnloadEvent): void => {
        if (isChanged()) event.preventDefault();
    };
    // Comes before `hashchange`, which then finds the address as it was.
    const moved = (): void => {
        const to = location.hash;
        if (to === here || !isChanged()) return;
        history.replaceState(null, "", here);
        asked(to);
    };
    addEventListener("beforeunload", beforeUnload);
    addEventListener("popstate", moved);
    return () => {
        removeEventListener("beforeunload", beforeUnload);
        removeEventListener("popstate", moved);
    };
}
