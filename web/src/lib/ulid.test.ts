import { describe, expect, it } from "vitest";

import { ulid } from "./ulid";

describe("ulid", () => {
    it("is what the server takes for one", () => {
        for (let round = 0; round < 100; round++) expect(ulid()).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    });

    it("spells the time as the standard does, and sorts by it", () => {
        expect(ulid(1469918176385, new Uint8Array(16))).toBe("01ARYZ6S410000000000000000");
        expect(ulid(1000) < ulid(1001)).toBe(true);
    });

    it("is never the same twice", () => {
        expect(new Set(Array.from({ length: 1000 }, () => ulid(5))).size).toBe(1000);
    });
});
