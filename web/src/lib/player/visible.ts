// Who does not look needs no picture: after a while out of sight a player rests, and goes on when he looks again.

/** A glance at another window costs no connection. */
const AFTER_MS = 20_000;

/** Tells of each change, until the returned function is called. */
export function whileLooked(tell: (looks: boolean) => void, after_ms = AFTER_MS): () => void {
    let timer: ReturnType<typeof setTimeout> | null = null;
    let looks = true;
    const changed = () => {
        if (timer) clearTimeout(timer);
        timer = null;
        if (document.hidden) {
            timer = setTimeout(() => tell((looks = false)), after_ms);
        } else if (!looks) tell((looks = true));
    };
    document.addEventListener("visibilitychange", changed);
    return () => {
        if (timer) clearTimeout(timer);
        document.removeEventListener("visibilitychange", changed);
    };
}
