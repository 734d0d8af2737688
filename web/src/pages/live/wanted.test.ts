import { describe, expect, it } from "vitest";

import { columnsOf, fitting, fromAddress, moved, NOTHING, pageOf, shifted, toAddress, type Wanted } from "./wanted";

describe("what the wall shows", () => {
    it("is in the address, and comes back from it", () => {
        const wanted: Wanted = { cameras: ["a", "b"], layout: 9, page: 2, full: "b", round: 20 };
        const query = new URLSearchParams();
        for (const [name, value] of Object.entries(toAddress(wanted))) if (value) query.set(name, value);
        expect(query.get("page")).toBe("3");
        expect(fromAddress(query)).toEqual(wanted);
        expect(fromAddress(new URLSearchParams())).toBeNull();
        expect(fromAddress(new URLSearchParams("layout=auto"))).toEqual(NOTHING);
    });

    it("takes no nonsense from an address", () => {
        const read = fromAddress(new URLSearchParams("camera=a,,a,b&layout=5&page=-3&round=0.5"));
        expect(read).toEqual({ cameras: ["a", "b"], layout: null, page: 0, full: null, round: null });
    });

    it("has as many places as are needed", () => {
        expect([0, 1, 2, 4, 5, 9, 10, 778].map(fitting)).toEqual([1, 1, 4, 4, 9, 9, 16, 16]);
        expect(columnsOf(4, 2, false)).toBe(2);
        expect(columnsOf(4, 1, false)).toBe(1);
        expect(columnsOf(16, 16, false)).toBe(4);
        expect(columnsOf(4, 4, true)).toBe(1);
        expect(columnsOf(9, 9, true)).toBe(2);
    });

    it("is cut into pages", () => {
        const ids = Array.from({ length: 778 }, (_, nth) => `c${nth}`);
        expect(pageOf(ids, 16, 0)).toMatchObject({ page: 0, pages: 49 });
        expect(pageOf(ids, 16, 48).ids).toHaveLength(778 - 48 * 16);
        expect(pageOf(ids, 16, 99).page).toBe(48);
        expect(pageOf([], 4, 3)).toEqual({ ids: [], page: 0, pages: 1 });
    });

    it("is put in order", () => {
        expect(moved(["a", "b", "c", "d"], "a", "c")).toEqual(["b", "c", "a", "d"]);
        expect(moved(["a", "b", "c", "d"], "d", "b")).toEqual(["a", "d", "b", "c"]);
        expect(moved(["a", "b"], "a", "x")).toEqual(["a", "b"]);
        expect(shifted(["a", "b", "c"], "a", 1)).toEqual(["b", "a", "c"]);
        expect(shifted(["a", "b", "c"], "c", 1)).toEqual(["a", "b", "c"]);
        expect(shifted(["a", "b", "c"], "c", -2)).toEqual(["c", "a", "b"]);
    });
});
