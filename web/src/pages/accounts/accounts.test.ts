import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { allows, EXPLAINED, mayDo, PERMISSIONS, PURPOSE, ROLES, showsPeople } from "./roles";
import { suggestPassword } from "./password";

describe("roles", () => {
    it("are those of the table that was decided", () => {
        const page = readFileSync(new URL("../../../../docs/design/console.md", import.meta.url), "utf8");
        for (const permission of PERMISSIONS) {
            const row = page.split("\n").find((line) => line.startsWith(`| \`${permission}\` |`));
            const cells = (row ?? "").split("|").slice(3, 3 + ROLES.length);
            expect(
                cells.map((cell) => cell.trim() === "●"),
                permission,
            ).toEqual(ROLES.map((role) => allows(role, permission)));
        }
    });
    it("have what is given beside them, in the order of the table", () => {
        expect(mayDo("maintainer", ["live"])).toEqual(["live", "health", "configure"]);
        expect(mayDo("administrator", ["live"])).toEqual(PERMISSIONS);
    });
    it("a maintainer sees no people", () => {
        expect(mayDo("maintainer", []).filter(showsPeople)).toEqual([]);
    });
    it("are explained in both languages", () => {
        for (const name of [...Object.values(EXPLAINED), ...Object.values(PURPOSE)]) {
            expect(name.zh).not.toBe("");
            expect(name.en).not.toBe("");
        }
    });
});

describe("a password to begin with", () => {
    const real = (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes);
    it("is long, legible, and another one each time", () => {
        const made = new Set(Array.from({ length: 50 }, () => suggestPassword(real)));
        expect(made.size).toBe(50);
        for (const password of made) expect(password).toMatch(/^([a-hjkmnp-z2-9]{5}-){3}[a-hjkmnp-z2-9]{5}$/);
    });
    it("passes over bytes that would make a letter likelier", () => {
        let call = 0;
        const password = suggestPassword((bytes) => bytes.fill(call++ === 0 ? 255 : 0));
        expect(password).toBe("aaaaa-aaaaa-aaaaa-aaaaa");
    });
});
