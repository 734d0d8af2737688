import { expect, it } from "vitest";

import { codingOf } from "./codecs";

it("a coding has a name", () => {
    expect(codingOf('video/mp4; codecs="avc1.64001e"')).toBe("H.264");
    expect(codingOf('video/mp4; codecs="hvc1.1.6.L93.B0, mp4a.40.2"')).toBe("H.265");
    expect(codingOf("video/mp4; codecs=hev1.2.4")).toBe("H.265");
    expect(codingOf('video/mp4; codecs="vp09.00"')).toBe("vp09.00");
});
