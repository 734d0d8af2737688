// What the address of playback says: up to four cameras, and the moment.

/** More pictures in step than these nobody follows. */
export const CAMERAS_MAX = 4;

export interface Where {
    cameras: string[];
    /** Unix milliseconds; `null`: not said. */
    at: number | null;
}

export function fromAddress(parameters: URLSearchParams): Where {
    const cameras = (parameters.get("camera") ?? "").split(",").filter((id) => id !== "");
    const at = Date.parse(parameters.get("at") ?? "");
    return { cameras: [...new Set(cameras)].slice(0, CAMERAS_MAX), at: Number.isNaN(at) ? null : at };
}

export function toAddress({ cameras, at }: Where): Record<string, string | null> {
    // A second is exact enough to be told to a colleague.
    const moment = at === null ? null : new Date(Math.floor(at / 1000) * 1000).toISOString().replace(".000", "");
    return { camera: cameras.join(",") || null, at: moment };
}
