// A camera's newest picture.

/** Its address. */
export function pictureOf(camera: string, width: "320" | "full"): string {
    return `/api/v1/cameras/${encodeURIComponent(camera)}/picture.jpg?width=${width}`;
}

/** Fetches it anew; gives an address of our own, to be given back by `URL.revokeObjectURL`. Rejects where there is none. */
export async function newPicture(camera: string, signal: AbortSignal): Promise<string> {
    const answer = await fetch(pictureOf(camera, "full"), { signal, cache: "no-cache" });
    if (!answer.ok) throw new Error(answer.statusText);
    return URL.createObjectURL(await answer.blob());
}
