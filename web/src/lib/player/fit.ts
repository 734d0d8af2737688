// Where a picture lies within its frame when all of it is shown, as `object-fit: contain` does it.

export interface Rect {
    x: number;
    y: number;
    width: number;
    height: number;
}

export function contain(picture: { width: number; height: number }, frame: { width: number; height: number }): Rect {
    if (picture.width <= 0 || picture.height <= 0) return { x: 0, y: 0, ...frame };
    const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    return { x: (frame.width - width) / 2, y: (frame.height - height) / 2, width, height };
}
