// What stands within a gate's shape, so that nobody needs its colour. Around the middle, 24 wide.

import type { Tone } from "./gates";

export const MARKS: Record<Tone, string> = {
    blind: "M-4 -4 4 4M4 -4 -4 4",
    partly: "M0 -5v5M0 4.4v.3",
    degraded: "M0 -5v5M0 4.4v.3",
    bare: "",
    unknown: "M-4 0h.1M0 0h.1M4 0h.1",
    maintenance: "M-2.6 -4v8M2.6 -4v8",
    online: "",
};

/** As components/Severity.svelte draws them. */
export const SEVERITY_SHAPES: Record<string, string> = {
    critical: "M7 1h10l6 6v10l-6 6H7l-6-6V7Z",
    major: "M12 1.5 23.5 22H.5Z",
    warning: "M12 .5 23.5 12 12 23.5.5 12Z",
    info: "M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22Z",
};

export const SEVERITY_MARKS: Record<string, string> = { critical: "!!", major: "!", warning: "!", info: "i" };

/** A wedge of 60 degrees that looks north, 26 pixels far. */
export const WEDGE = "M0 0 -13 -22.5A26 26 0 0 1 13 -22.5Z";
