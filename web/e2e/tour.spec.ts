// Pictures of every page, in both languages, both themes, and on two screens: into the folder that TOUR names, for docs/.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import type { Page } from "@playwright/test";

import { expect, signIn, test } from "./station";

const FOLDER = process.env["TOUR"] ?? "";
const SCREENS = {
    desktop: { viewport: { width: 1366, height: 768 } },
    phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
};
/** Beyond the pages themselves: what is only seen one step further in. */
const INNER: Readonly<Record<string, string>> = {
    "zones-camera": "#/zones?camera=north-gate",
    "playback-camera": "#/playback?camera=north-gate",
};
const ALERTS_MIN = 4;

test.skip(FOLDER === "", "TOUR names no folder");

/** All that is in sight has come: pictures, films, and whatever says that it is waiting. `false` where something stays away. */
async function settled(page: Page): Promise<boolean> {
    return page
        .waitForFunction(
            () => {
                const inSight = (element: Element): boolean => {
                    const { top, bottom, width, height } = element.getBoundingClientRect();
                    return width > 0 && height > 0 && bottom > 0 && top < innerHeight;
                };
                const images = [...document.images].filter(inSight);
                const films = [...document.querySelectorAll("video")].filter(inSight);
                return (
                    document.querySelector("#main > :not(.waiting)") !== null &&
                    document.querySelector("[aria-busy=true]") === null &&
                    images.every((image) => image.complete) &&
                    films.every((film) => film.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA)
                );
            },
            undefined,
            { timeout: 15_000, polling: 250 },
        )
        .then(
            () => true,
            () => false,
        );
}

for (const [screen, options] of Object.entries(SCREENS)) {
    test.describe(screen, () => {
        test.use(options);
        for (const language of ["zh", "en"]) {
            for (const theme of ["dark", "light"]) {
                test(`${language}, ${theme}`, async ({ page }) => {
                    test.setTimeout(600_000);
                    mkdirSync(FOLDER, { recursive: true });
                    const shoot = async (name: string): Promise<void> => {
                        const complete = await settled(page);
                        const note = complete ? [] : ["something in sight has not come"];
                        for (const description of note) test.info().annotations.push({ type: name, description });
                        await page.screenshot({
                            path: join(FOLDER, `${name}-${language}-${theme}-${screen}.png`),
                            scale: "css",
                        });
                    };
                    await page.addInitScript(
                        ([chosen, shade]) => {
                            localStorage.setItem("cunkou.language", chosen ?? "zh");
                            localStorage.setItem("cunkou.theme", shade ?? "dark");
                        },
                        [language, theme],
                    );
                    await page.goto("/");
                    await expect(page.locator("input[autocomplete=username]")).toBeVisible();
                    await page.screenshot({
                        path: join(FOLDER, `sign-in-${language}-${theme}-${screen}.png`),
                        scale: "css",
                    });

                    await signIn(page, "admin");
                    await page.evaluate(async () => {
                        const body = JSON.stringify({ purpose: "查找被盗电动车", case: "2026-0312" });
                        const headers = { "content-type": "application/json" };
                        await fetch("/api/v1/session/purpose", { method: "PUT", headers, body });
                    });
                    await page.reload();
                    // A wall without alerts shows nothing.
                    const alerts = async (): Promise<number> => {
                        const answer = await page.request.get("/api/v1/alerts?limit=50");
                        return ((await answer.json()) as { alerts: unknown[] }).alerts.length;
                    };
                    await expect
                        .poll(alerts, { timeout: 240_000, intervals: [2000] })
                        .toBeGreaterThanOrEqual(ALERTS_MIN);

                    await expect(page.locator("nav a[href^='#/']").first()).toBeVisible();
                    const links = await page
                        .locator("nav a[href^='#/']")
                        .evaluateAll((all) => all.map((link) => link.getAttribute("href") ?? ""));
                    const pages = [...new Set(links.map((link) => /^#\/([a-z-]+)$/.exec(link)?.[1] ?? ""))].filter(
                        Boolean,
                    );
                    for (const name of pages) {
                        await page.goto(`/#/${name}`);
                        await shoot(name);
                    }
                    for (const [name, hash] of Object.entries(INNER)) {
                        await page.goto(`/${hash}`);
                        await shoot(name);
                    }
                });
            }
        }
    });
}
