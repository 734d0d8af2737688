// What this browser plays, and how a coding is called by people.

type Source = typeof MediaSource;

/** MediaSource, or what an iPhone has instead; `null` where there is neither. */
export function sourceOfBrowser(): Source | null {
    const found = globalThis as { MediaSource?: Source; ManagedMediaSource?: Source };
    return found.ManagedMediaSource ?? found.MediaSource ?? null;
}

/** Whether it does, as far as it says so. */
export function plays(mime: string): boolean {
    return sourceOfBrowser()?.isTypeSupported(mime) ?? false;
}

/** `H.265` of `video/mp4; codecs="hvc1.1.6.L93"`; as it is spelt where it has no name. */
export function codingOf(mime: string): string {
    const codec = /codecs="?([^",]+)/.exec(mime)?.[1]?.trim() ?? mime;
    if (/^avc[13]/.test(codec)) return "H.264";
    if (/^(hvc1|hev1)/.test(codec)) return "H.265";
    if (/^av01/.test(codec)) return "AV1";
    return codec;
}
