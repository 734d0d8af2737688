// An investigator finds the clip of an alert, sees it, and is told what could not have been seen.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { expect, signIn, test } from "./station";

async function holdPurpose(page: Page): Promise<void> {
    await page
        .getByRole("main")
        .getByRole("button", { name: /填写用途与案号|Say what it is for/ })
        .click();
    await page.getByLabel(/^(用途|Purpose)$/).fill("查找被盗电动车");
    await page.getByLabel(/^(案号|Case)$/).fill("2026-0312");
    await page.getByRole("button", { name: /^(确定|Go on)$/ }).click();
    await expect(page.getByRole("banner")).toContainText("2026-0312");
}

interface Found {
    alert_id: string;
    occurred_at: string;
    kind: string;
    camera: { id: string };
}

/** So many are found: who has passed is in the index some moments after, and a station that has just begun has seen few. */
async function results(page: Page, count: number): Promise<void> {
    await expect(async () => {
        await page.getByRole("button", { name: /^(检索|Search)$/ }).click();
        await expect(page.locator(`[data-nth='${count - 1}']`)).toBeVisible({ timeout: 3000 });
    }).toPass({ timeout: 120_000 });
}

/** An alert of this station that shows somebody, and whose passage is over. */
async function someAlert(page: Page): Promise<Found> {
    let found: Found | undefined;
    await expect(async () => {
        const answer = await page.request.get("/api/v1/alerts?kind=line-cross,zone-enter,wrong-way&limit=50");
        const { alerts } = (await answer.json()) as { alerts: (Found & { home?: string; ended_at: string | null })[] };
        found = alerts.find((alert) => alert.home === undefined && alert.ended_at !== null);
        expect(found).toBeDefined();
    }).toPass({ timeout: 60_000 });
    if (!found) throw new Error("it was found");
    return found;
}

test("without a purpose nothing is shown, and the page says why", async ({ page }) => {
    await signIn(page, "investigator");
    await page.goto("/#/search?order=newest");
    await expect(page.getByRole("main").getByText(/审计日志|audit log/)).toBeVisible();
    await expect(page.locator("[data-nth]")).toHaveCount(0);
});

test("a search finds an alert's clip, and it plays", async ({ page }) => {
    await signIn(page, "investigator");
    const alert = await someAlert(page);
    const since = new Date(Date.parse(alert.occurred_at) - 120_000).toISOString();
    const until = new Date(Date.parse(alert.occurred_at) + 120_000).toISOString();
    await page.goto(`/#/search?camera=${alert.camera.id}&kind=${alert.kind}&from=${since}&to=${until}&order=oldest`);
    await holdPurpose(page);
    await results(page, 1);
    await page.locator("[data-nth='0']").click();
    const pane = page.getByRole("complementary", { name: /^(片段|Clip)$/ });
    await expect(pane.locator("a[href*='#/wall?alert=']").first()).toBeVisible();
    await expect(pane.locator("a[href*='#/playback?camera=']")).toHaveAttribute("href", /at=/);
    const video = pane.locator("video");
    await expect
        .poll(() => video.evaluate((it: HTMLVideoElement) => it.currentTime), { timeout: 15_000 })
        .toBeGreaterThan(0.3);
    // The address leads here again.
    const address = page.url();
    expect(address).toContain("clip=");
    await page.goto("/#/audit");
    await page.goto(address);
    await expect(pane).toBeVisible();
    await page.keyboard.press("Escape");
    await expect(pane).toHaveCount(0);
});

test("keys lead through what was found", async ({ page }) => {
    await signIn(page, "investigator");
    await someAlert(page);
    // Those that were alerts are recorded.
    await page.goto("/#/search?order=oldest&kind=zone-enter");
    await holdPurpose(page);
    await results(page, 2);
    await page.locator("[data-nth='0']").focus();
    await page.keyboard.press("Enter");
    const video = page.locator("video");
    await expect.poll(() => video.evaluate((it: HTMLVideoElement) => it.paused), { timeout: 15_000 }).toBe(false);
    await page.keyboard.press("Space");
    await expect.poll(() => video.evaluate((it: HTMLVideoElement) => it.paused)).toBe(true);
    const before = page.url();
    await page.keyboard.press("ArrowRight");
    await expect(page.locator("[data-nth='1']")).toBeFocused();
    await expect.poll(() => page.url()).not.toBe(before);
    await page.keyboard.press("Escape");
    await expect(page.locator("[data-nth='1']")).toBeFocused();
});

test("nothing found does not look like a proof", async ({ page }) => {
    await signIn(page, "investigator");
    await page.goto("/#/search?class=sheep&from=2020-01-01&order=newest");
    await holdPurpose(page);
    const main = page.getByRole("main");
    await expect(main.getByText(/没有找到，不等于没有人经过|does not prove/)).toBeVisible();
    // Long before the station began there is nothing on record, and the page says so.
    await expect(main.getByRole("table")).toContainText(/无记录|nothing on record/);
});

test("a time that has not come yet is not said to be empty", async ({ page }) => {
    await signIn(page, "investigator");
    await page.goto("/#/search?from=2099-01-01&order=newest");
    await holdPurpose(page);
    await expect(page.getByRole("main").getByText(/所选时间还没有到|has not come yet/)).toBeVisible();
});

for (const theme of ["dark", "light"] as const)
    test(`axe finds nothing serious, ${theme}`, async ({ page }) => {
        await page.addInitScript((chosen) => localStorage.setItem("cunkou.theme", chosen), theme);
        await signIn(page, "investigator");
        await someAlert(page);
        await page.goto("/#/search?order=newest");
        await holdPurpose(page);
        await results(page, 1);
        await page.locator("[data-nth='0']").click();
        await expect(page.getByRole("complementary", { name: /^(片段|Clip)$/ })).toBeVisible();
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
        await page.goto("/#/search?class=sheep&from=2020-01-01&order=newest");
        await expect(page.getByRole("main").getByRole("table")).toBeVisible();
        const second = await new AxeBuilder({ page }).analyze();
        expect(second.violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
    });
