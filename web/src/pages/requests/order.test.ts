import { describe, expect, it } from "vitest";

import { inOrder, isHere, safeLink, standingOf, type ClipRequest } from "./order";

const request = (
    request_id: string,
    way: "asked" | "received",
    asked_at: string,
    answer: ClipRequest["answer"] = null,
) => ({ request_id, way, asked_at, answer }) as ClipRequest;
const granted = (until?: string): ClipRequest["answer"] => ({
    request_id: "x",
    result: "granted",
    ...(until ? { until } : {}),
});

describe("requests", () => {
    it("that a neighbour waits for come first, the longest wait before the others", () => {
        const list = [
            request("asked", "asked", "2026-03-09T12:00:00Z"),
            request("new", "received", "2026-03-09T11:00:00Z"),
            request("old", "received", "2026-03-09T10:00:00Z"),
            request("done", "received", "2026-03-09T13:00:00Z", granted()),
        ];
        expect(inOrder(list, "all").map((it) => it.request_id)).toEqual(["old", "new", "done", "asked"]);
        expect(inOrder(list, "asked").map((it) => it.request_id)).toEqual(["asked"]);
    });
    it("stand where they stand", () => {
        const now = Date.parse("2026-03-09T12:00:00Z");
        expect(standingOf(request("a", "received", ""), now)).toBe("due");
        expect(standingOf(request("a", "asked", ""), now)).toBe("waiting");
        expect(standingOf(request("a", "asked", "", granted()), now)).toBe("granted");
        expect(standingOf(request("a", "asked", "", granted("2026-03-09T12:00:00Z")), now)).toBe("lapsed");
        expect(standingOf(request("a", "asked", "", { request_id: "x", result: "refused" }), now)).toBe("refused");
    });
    it("lead to the web and nowhere else", () => {
        expect(safeLink("https://hill.example/api/v1/shared/00/video.mp4")).toContain("hill.example");
        expect(safeLink("javascript:alert(1)")).toBe(null);
        expect(safeLink("/x")).toBe(null);
        expect(safeLink(undefined)).toBe(null);
        expect(isHere("https://a.example/x", "https://a.example")).toBe(true);
        expect(isHere("https://b.example/x", "https://a.example")).toBe(false);
    });
});
