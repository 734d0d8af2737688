import { describe, expect, it } from "vitest";

import { readMessage } from "./messages";

describe("messages of a live picture", () => {
    it("are read", () => {
        const init =
            '{"type":"init","mime":"video/mp4; codecs=\\"avc1.64001e\\"","stream":"main","width":768,"height":576,"from":"2026-03-09T18:04:05.123Z","at_s":0.0,"sound":"none"}';
        expect(readMessage(init)).toMatchObject({ type: "init", width: 768, at_s: 0 });
        expect(readMessage('{"type":"gone","why":"away"}')).toEqual({ type: "gone", why: "away" });
        expect(readMessage('{"type":"skipped"}')).toEqual({ type: "skipped" });
    });

    it("keep the boxes that are boxes", () => {
        const good = { track: 7, class: "person", confidence: 0.8, box: [0.1, 0.2, 0.3, 0.4] };
        const said = { type: "boxes", at_s: 12.34, objects: [good, { class: "car", box: [0, 1] }, null] };
        expect(readMessage(JSON.stringify(said))).toEqual({ type: "boxes", at_s: 12.34, objects: [good] });
    });

    it("that make no sense are passed over", () => {
        for (const said of ["", "null", "[]", "{", '{"type":"init"}', '{"type":"boxes"}', '{"type":"weather"}'])
            expect(readMessage(said)).toBeNull();
        expect(readMessage('{"type":"init","mime":"video/mp4","at_s":0,"from":"soon"}')).toBeNull();
    });
});
