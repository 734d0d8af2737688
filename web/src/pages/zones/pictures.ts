// Addresses of a camera's newest picture.

/** `stamp` makes it another address, so that it is fetched anew. */
export function pictureOf(camera: string, width: "320" | "full", stamp: number | null = null): string {
    const address = `/api/v1/cameras/${encodeURIComponent(camera)}/picture.jpg?width=${width}`;
    return stamp === null ? address : `${address}&t=${stamp}`;
}
