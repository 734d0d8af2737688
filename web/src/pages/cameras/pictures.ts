// Last pictures of cameras: asked for when they are seen, a few at a time, and each at most once a minute.
//
// They are drawn from their bytes, not by address: their time is in a header of the answer.

export interface Picture {
    bytes: Blob;
    /** When it was taken; `null` where the server does not say. */
    at: string | null;
}

interface Kept {
    /** `null`: there never was one. */
    picture: Picture | null;
    askedAt: number;
    tag: string | null;
}

export const FRESH_MS = 60_000;
const AT_ONCE = 3;
const KEPT_MAX = 400;
const BUSY_MS = 4000;

const kept = new Map<string, Kept>();
const waiting: (() => void)[] = [];
let running = 0;

async function turn<T>(work: () => Promise<T>): Promise<T> {
    if (running >= AT_ONCE) await new Promise<void>((go) => waiting.push(go));
    running++;
    try {
        return await work();
    } finally {
        running--;
        waiting.shift()?.();
    }
}

/** The newest one that we have, without asking. */
export function keptPicture(camera: string, width: 320 | 640): Picture | null {
    return kept.get(`${camera} ${width}`)?.picture ?? null;
}

/** How long until it is worth asking again, milliseconds. */
export function freshFor(camera: string, width: 320 | 640, now = Date.now()): number {
    const known = kept.get(`${camera} ${width}`);
    return known ? Math.max(0, known.askedAt + FRESH_MS - now) : 0;
}

/** The newest picture; `null` where there never was one, or where it may not be seen. */
export function askPicture(camera: string, width: 320 | 640, stop: AbortSignal): Promise<Picture | null> {
    const key = `${camera} ${width}`;
    return turn(async () => {
        for (;;) {
            const known = kept.get(key);
            if (stop.aborted || freshFor(camera, width) > 0) return known?.picture ?? null;
            const answer = await fetch(`/api/v1/cameras/${encodeURIComponent(camera)}/picture.jpg?width=${width}`, {
                signal: stop,
                cache: "no-store",
                headers: known?.tag ? { "if-none-match": known.tag } : {},
            });
            if (answer.status === 503) {
                await new Promise((go) => setTimeout(go, BUSY_MS));
                continue;
            }
            const at = answer.headers.get("x-picture-at");
            const picture = answer.ok
                ? { bytes: await answer.blob(), at }
                : answer.status === 304 && known?.picture
                  ? { ...known.picture, at: at ?? known.picture.at }
                  : null;
            kept.delete(key);
            kept.set(key, { picture, askedAt: Date.now(), tag: answer.headers.get("etag") });
            for (const oldest of kept.keys()) {
                if (kept.size <= KEPT_MAX) break;
                kept.delete(oldest);
            }
            return picture;
        }
    });
}

/** Nothing of it stays for whoever signs in next. */
export function forgetPictures(): void {
    kept.clear();
}
