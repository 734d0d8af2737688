// What the server says on a live picture's WebSocket, beside the pictures themselves.

/** What follows, before an initialisation segment. */
export interface Init {
    type: "init";
    /** With its codecs, as `addSourceBuffer` takes it. */
    mime: string;
    stream: "main" | "sub";
    width: number;
    height: number;
    /** When its first picture arrived. */
    from: string;
    /** Where that picture lies in the viewer's time, seconds. */
    at_s: number;
    sound: "none" | "aac" | "not-playable";
}

export interface Thing {
    track: string | number;
    class: string;
    confidence: number;
    /** Left, top, right, bottom, each 0..1 of the picture. */
    box: [number, number, number, number];
}

/** What the detector saw in the picture at `at_s`. */
export interface Boxes {
    type: "boxes";
    at_s: number;
    objects: Thing[];
}

export interface Gone {
    type: "gone";
    why: string;
}

export type LiveMessage = Init | Boxes | Gone | { type: "skipped" };

function isNumber(value: unknown): value is number {
    return typeof value === "number" && Number.isFinite(value);
}

function isThing(value: unknown): value is Thing {
    if (!value || typeof value !== "object") return false;
    const { class: kind, box } = value as Partial<Thing>;
    return typeof kind === "string" && Array.isArray(box) && box.length === 4 && box.every(isNumber);
}

/** The message in it; `null` where it is none that we know, so that a newer server may say more. */
export function readMessage(text: string): LiveMessage | null {
    let said: unknown;
    try {
        said = JSON.parse(text);
    } catch {
        return null;
    }
    if (!said || typeof said !== "object") return null;
    const message = said as Record<string, unknown>;
    switch (message["type"]) {
        case "init":
            if (typeof message["mime"] !== "string" || !isNumber(message["at_s"])) return null;
            if (Number.isNaN(Date.parse(String(message["from"])))) return null;
            return message as unknown as Init;
        case "boxes":
            if (!isNumber(message["at_s"]) || !Array.isArray(message["objects"])) return null;
            return { type: "boxes", at_s: message["at_s"], objects: message["objects"].filter(isThing) };
        case "gone":
            return { type: "gone", why: String(message["why"] ?? "") };
        case "skipped":
            return { type: "skipped" };
        default:
            return null;
    }
}
