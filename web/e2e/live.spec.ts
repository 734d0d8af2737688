// Live view before the demo's village: it plays, it survives a camera that dies, boxes lie where they belong.

import AxeBuilder from "@axe-core/playwright";

import { expect, signIn, test } from "./station";

import type { Page } from "@playwright/test";

async function frames(page: Page, camera: string): Promise<{ at: number; decoded: number; dropped: number }> {
    return page.locator(`[data-camera="${camera}"] video`).evaluate((video: HTMLVideoElement) => {
        const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
        return { at: video.currentTime, decoded: totalVideoFrames, dropped: droppedVideoFrames };
    });
}

const playing = (page: Page, camera: string) =>
    expect(page.locator(`[data-camera="${camera}"] video`)).toHaveAttribute("data-state", "playing", {
        timeout: 20_000,
    });

async function isFine(page: Page): Promise<void> {
    for (const theme of ["dark", "light"]) {
        await page.evaluate((wanted) => (document.documentElement.dataset["theme"] = wanted), theme);
        // Colours change within a moment.
        await page.waitForTimeout(400);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        expect(bad.map(({ id, nodes }) => `${theme} ${id}: ${nodes[0]?.html}`)).toEqual([]);
    }
}

test.describe("live view", () => {
    test("plays, and drops next to nothing", async ({ page }) => {
        await signIn(page, "operator");
        await page.goto("/#/live?camera=north-gate,south-gate&layout=4");
        await playing(page, "north-gate");
        await playing(page, "south-gate");
        const before = await frames(page, "north-gate");
        await page.waitForTimeout(5000);
        const after = await frames(page, "north-gate");
        expect(after.at - before.at).toBeGreaterThan(3);
        expect(after.decoded - before.decoded).toBeGreaterThan(20);
        expect(after.dropped - before.dropped).toBeLessThan((after.decoded - before.decoded) / 5);
        await isFine(page);
    });

    test("one picture is opened large by its number, with the main stream, and closed again", async ({ page }) => {
        await signIn(page, "operator");
        await page.goto("/#/live?camera=north-gate,south-gate&layout=4");
        await playing(page, "south-gate");
        await page.keyboard.press("2");
        const tile = page.locator('[data-camera="south-gate"]');
        await expect(tile).toHaveClass(/full/);
        await expect(page).toHaveURL(/full=south-gate/);
        const width = () => tile.locator("video").evaluate((video: HTMLVideoElement) => video.videoWidth);
        await expect.poll(width, { timeout: 15_000 }).toBeGreaterThan(400);
        await page.keyboard.press("Escape");
        await expect(tile).not.toHaveClass(/full/);
        await playing(page, "north-gate");
    });

    test("a camera that dies says so, and plays again when it is back", async ({ page, station }) => {
        await signIn(page, "operator");
        await page.goto("/#/live?camera=north-gate,south-gate&layout=4");
        await playing(page, "north-gate");
        await station.type("stop north-gate");
        const tile = page.locator('[data-camera="north-gate"]');
        await expect(tile.locator(".complaint")).toBeVisible({ timeout: 60_000 });
        // The other one does not care.
        const before = await frames(page, "south-gate");
        await page.waitForTimeout(2000);
        expect((await frames(page, "south-gate")).at).toBeGreaterThan(before.at);
        await station.type("start north-gate");
        await expect(tile.locator(".complaint")).toBeHidden({ timeout: 90_000 });
        await playing(page, "north-gate");
        const back = await frames(page, "north-gate");
        await expect.poll(async () => (await frames(page, "north-gate")).at).toBeGreaterThan(back.at + 1);
    });

    test("boxes are drawn over the picture they belong to", async ({ page }) => {
        await signIn(page, "operator");
        await page.goto("/#/live?camera=south-gate");
        await playing(page, "south-gate");
        await page.keyboard.press("b");
        await playing(page, "south-gate");
        const drawn = () =>
            page.locator('[data-camera="south-gate"] canvas.boxes').evaluate((canvas: HTMLCanvasElement) => {
                const pen = canvas.getContext("2d");
                if (!pen || canvas.width === 0) return false;
                return pen.getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0);
            });
        // Somebody passes every few seconds.
        await expect.poll(drawn, { timeout: 60_000, intervals: [200] }).toBe(true);
    });

    test("cameras are chosen and put in order by keys, and the address says which", async ({ page }) => {
        await signIn(page, "operator");
        await page.goto("/#/live?camera=north-gate,south-gate&layout=4");
        await page.getByRole("button", { name: /选择摄像机|Choose cameras/ }).click();
        await isFine(page);
        await page.getByRole("checkbox", { name: /南门|South gate/ }).uncheck();
        await expect(page.locator("[data-camera]")).toHaveCount(1);
        await page.getByRole("checkbox", { name: /南门|South gate/ }).check();
        await expect(page.locator("[data-camera]")).toHaveCount(2);
        await page.keyboard.press("Escape");
        await page.locator('[data-camera="north-gate"] .open').focus();
        await page.keyboard.press("Shift+ArrowRight");
        await expect(page).toHaveURL(/camera=south-gate(,|%2C)north-gate/);
        await expect(page.locator("[data-camera]").first()).toHaveAttribute("data-camera", "south-gate");
        await page.goto("/#/live");
        await expect(page.locator("[data-camera]").first()).toHaveAttribute("data-camera", "south-gate");
    });

    test("a maintainer sees no pictures", async ({ page }) => {
        await signIn(page, "maintainer");
        await page.goto("/#/live");
        await expect(page.locator("video")).toHaveCount(0);
        await expect(page).not.toHaveURL(/#\/live/);
    });
});
