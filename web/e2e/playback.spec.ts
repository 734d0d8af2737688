// Playback before the demo's village: a recorded moment plays and steps, gaps are drawn and named, what was marked is exported.

import AxeBuilder from "@axe-core/playwright";

import { expect, signIn, test } from "./station";

import type { Page } from "@playwright/test";

interface Stretch {
    from: string;
    to: string;
    what: "recorded" | "open" | "gap";
    cause: string | null;
}

async function stretches(page: Page, camera: string, minutes: number): Promise<Stretch[]> {
    const now = Date.now();
    const query = new URLSearchParams({
        from: new Date(now - minutes * 60_000).toISOString(),
        to: new Date(now).toISOString(),
    });
    const answer = await page.request.get(`/api/v1/cameras/${camera}/timeline?${query}`);
    return ((await answer.json()) as { stretches: Stretch[] }).stretches;
}

/** Waits until so much was recorded in one piece, and says from when on. */
async function recorded(page: Page, camera: string, seconds: number): Promise<number> {
    let from = 0;
    const look = async () => {
        const found = (await stretches(page, camera, 60)).findLast(
            (one) => one.what === "recorded" && Date.parse(one.to) - Date.parse(one.from) >= seconds * 1000,
        );
        from = found ? Date.parse(found.from) : 0;
        return from;
    };
    await expect.poll(look, { timeout: 90_000, intervals: [1000] }).toBeGreaterThan(0);
    return from;
}

async function withPurpose(page: Page): Promise<void> {
    await page
        .getByRole("textbox", { name: /用途|What is it for|For/ })
        .first()
        .fill("查找被盗电动车");
    await page.getByRole("textbox", { name: /案号|Case/ }).fill("2026-0312");
    await page
        .getByRole("dialog")
        .getByRole("button", { name: /确定|Go on/ })
        .click();
    await expect(page.getByRole("dialog")).toBeHidden();
}

const open = (page: Page, cameras: string, at: number) =>
    page.goto(`/#/playback?camera=${cameras}&at=${new Date(at).toISOString()}`);

const time = (page: Page, camera: string) =>
    page.locator(`[data-camera="${camera}"] video`).evaluate((video: HTMLVideoElement) => video.currentTime);

const ready = (page: Page, camera: string) =>
    expect(page.locator(`li[data-camera="${camera}"]`)).toHaveAttribute("data-state", "ready", { timeout: 20_000 });

async function isFine(page: Page): Promise<void> {
    for (const theme of ["dark", "light"]) {
        await page.evaluate((wanted) => (document.documentElement.dataset["theme"] = wanted), theme);
        await page.waitForTimeout(400);
        const { violations } = await new AxeBuilder({ page }).analyze();
        const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        expect(bad.map(({ id, nodes }) => `${theme} ${id}: ${nodes[0]?.html}`)).toEqual([]);
    }
}

test.describe("playback", () => {
    test("asks what for, plays a recorded moment, and steps by picture", async ({ page }) => {
        await signIn(page, "investigator");
        const from = await recorded(page, "south-gate", 12);
        await open(page, "south-gate", from + 1000);
        await withPurpose(page);
        await ready(page, "south-gate");
        const began = await time(page, "south-gate");
        await expect.poll(() => time(page, "south-gate"), { timeout: 15_000 }).toBeGreaterThan(began + 2);
        await page.keyboard.press(" ");
        await page.waitForTimeout(500);
        const stands = await time(page, "south-gate");
        await page.waitForTimeout(700);
        expect(await time(page, "south-gate")).toBe(stands);
        await page.keyboard.press(".");
        await expect.poll(() => time(page, "south-gate")).toBeGreaterThan(stands);
        const stepped = (await time(page, "south-gate")) - stands;
        expect(stepped).toBeLessThan(0.5);
        await page.waitForTimeout(500);
        const on = await time(page, "south-gate");
        await page.keyboard.press(",");
        await expect.poll(() => time(page, "south-gate")).toBeLessThan(on);
        await isFine(page);
    });

    test("the time line shows gaps and their reason, and lists them", async ({ page }) => {
        await signIn(page, "investigator");
        const from = await recorded(page, "south-gate", 5);
        await open(page, "south-gate", from);
        await withPurpose(page);
        const gap = page.locator('.drawn rect[data-what="gap"]').first();
        await expect(gap).toBeAttached();
        expect(await gap.getAttribute("data-cause")).toBeTruthy();
        await expect(
            page.locator('.drawn rect[data-what="recorded"], .drawn rect[data-what="open"]').first(),
        ).toBeAttached();
        await page.keyboard.press("g");
        await expect(page.getByRole("dialog").getByRole("row").nth(1)).toBeVisible();
        await isFine(page);
    });

    test("over a gap it goes on with what is recorded next, and says so", async ({ page }) => {
        await signIn(page, "investigator");
        const first = (await stretches(page, "south-gate", 60)).find((one) => one.what === "gap");
        const from = await recorded(page, "south-gate", 5);
        expect(first).toBeDefined();
        await open(page, "south-gate", Date.parse(first?.from ?? "") + 100);
        await withPurpose(page);
        await expect(page.locator(".notice")).not.toBeEmpty({ timeout: 20_000 });
        await ready(page, "south-gate");
        expect(from).toBeGreaterThan(0);
    });

    test("two cameras are kept in step", async ({ page }) => {
        await signIn(page, "investigator");
        const from = await recorded(page, "north-gate", 15);
        await open(page, "north-gate,south-gate", from + 500);
        await withPurpose(page);
        await ready(page, "north-gate");
        await page.waitForTimeout(4000);
        const both = page.locator('li[data-state="ready"] video');
        const times = await both.evaluateAll((videos) => (videos as HTMLVideoElement[]).map((it) => it.currentTime));
        // Both elements' time begins at the same moment.
        expect(Math.max(...times) - Math.min(...times)).toBeLessThan(0.2);
    });

    test("the time line is a slider for keys, and comes closer", async ({ page }) => {
        await signIn(page, "investigator");
        const from = await recorded(page, "south-gate", 5);
        await open(page, "south-gate", from);
        await withPurpose(page);
        await page.keyboard.press(" ");
        const slider = page.getByRole("slider", { name: /时间轴|Time line/ });
        await slider.focus();
        const value = async () => Number(await slider.getAttribute("aria-valuenow"));
        const wide = async () =>
            Number(await slider.getAttribute("aria-valuemax")) - Number(await slider.getAttribute("aria-valuemin"));
        const before = await value();
        await page.keyboard.press("ArrowLeft");
        await expect.poll(value).toBeLessThan(before - 8);
        const width = await wide();
        await page.keyboard.press("+");
        await expect.poll(wide).toBe(width / 2);
        for (let nth = 0; nth < 12; nth++) await page.keyboard.press("+");
        await expect.poll(wide).toBe(60);
    });

    test("what was marked becomes a signed pack", async ({ page }) => {
        await signIn(page, "investigator");
        const from = await recorded(page, "south-gate", 12);
        await open(page, "south-gate", from + 1000);
        await withPurpose(page);
        await ready(page, "south-gate");
        await page.keyboard.press(" ");
        await page.keyboard.press("i");
        await page.keyboard.press("ArrowRight");
        await page.keyboard.press("o");
        await page.keyboard.press("e");
        const dialog = page.getByRole("dialog");
        await isFine(page);
        await dialog.getByRole("button", { name: /制作证据包|Make the pack/ }).click();
        await expect(dialog.locator(".hash").first()).toHaveText(/^[0-9a-f]{64}$/, { timeout: 30_000 });
        await expect(dialog.getByRole("link", { name: "manifest.sig" })).toBeVisible();
    });

    test("an operator has no playback", async ({ page }) => {
        await signIn(page, "operator");
        await page.goto("/#/playback");
        await expect(page).not.toHaveURL(/#\/playback/);
    });
});
