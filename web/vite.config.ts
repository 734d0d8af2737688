// How the page is built: into dist/, each file also as gzip, so that the program hands it out as it is.

import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

/** A running daemon, for `npm run dev`. */
const DAEMON = process.env["CUNKOU"] ?? "http://127.0.0.1:8080";

/** Empties dist/ but for what Git keeps of it, and compresses what was written. */
function shelve(): Plugin {
    let dist = "";
    return {
        name: "shelve",
        apply: "build",
        configResolved(config) {
            dist = join(config.root, config.build.outDir);
        },
        buildStart() {
            for (const name of readdirSync(dist))
                if (name !== ".gitignore") rmSync(join(dist, name), { recursive: true });
        },
        closeBundle() {
            for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
                const path = join(entry.parentPath, entry.name);
                if (entry.isFile() && /\.(js|css|html|svg)$/.test(entry.name)) {
                    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
                }
            }
        },
    };
}

export default defineConfig({
    plugins: [svelte(), shelve()],
    build: { target: "es2022", emptyOutDir: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
    server: {
        host: "127.0.0.1",
        proxy: Object.fromEntries(
            ["/api", "/snapshots", "/report", "/metrics"].map((path) => [
                path,
                { target: DAEMON, ws: true, changeOrigin: true },
            ]),
        ),
    },
    test: { include: ["src/**/*.test.ts"], environment: "node" },
});
