// The wall, against a station where visitors come and go: seen, claimed by two at once, played, dismissed.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { expect, signIn, test } from "./station";

interface Known {
    alert_id: string;
    state: string;
    clip: { status: string } | null;
    incident?: { lead: string };
    home?: string;
    life: { claim?: { by: { who: string } }; closed?: { reason?: string; note?: string } };
}

const row = (page: Page, id: string) => page.locator(`[role=option][data-alert="${id}"]`);
const selected = (page: Page) => page.locator("[role=option].selected");

/** An open alert that nobody has touched, and that stands alone; waits until one has come. */
async function untouched(page: Page, wanted: (alert: Known) => boolean = () => true): Promise<Known> {
    let found: Known | undefined;
    await expect
        .poll(
            async () => {
                const answer = await page.request.get("/api/v1/alerts?state=raised,escalated&limit=200");
                const { alerts } = (await answer.json()) as { alerts: Known[] };
                found = alerts.find((alert) => !alert.incident && !alert.home && !alert.life.claim && wanted(alert));
                return found !== undefined;
            },
            { timeout: 90_000, intervals: [1000] },
        )
        .toBe(true);
    return found as Known;
}

async function known(page: Page, id: string): Promise<Known> {
    return (await (await page.request.get(`/api/v1/alerts/${id}`)).json()) as Known;
}

/** Takes the hand to an alert, as a link to it does. */
async function lead(page: Page, id: string): Promise<void> {
    await page.goto(`/#/wall?alert=${id}`);
    await expect(row(page, id)).toHaveAttribute("aria-selected", "true");
}

async function seriousFindings(page: Page): Promise<string[]> {
    const { violations } = await new AxeBuilder({ page }).analyze();
    return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
}

test.describe("the alert wall", () => {
    test("shows what comes in, without reloading, and what is new stays marked until it is looked at", async ({
        page,
    }) => {
        await signIn(page, "operator");
        await page.goto("/#/wall");
        await expect(selected(page)).toBeVisible({ timeout: 90_000 });
        // Something new: the band, the window's title, and a number that falls when it is looked at.
        await expect(page.locator(".band.news")).toBeVisible({ timeout: 120_000 });
        await expect(page).toHaveTitle(/^\(\d+\) /);
        await page.keyboard.press("t");
        await expect(selected(page)).toBeInViewport();
        await expect(page.locator("aside img, aside video").first()).toBeVisible();
        await page.keyboard.press("x");
        await expect(page.locator(".band.news")).toHaveCount(0);
        await expect(page).not.toHaveTitle(/^\(/);
    });

    test("one who claims at the same time as another gets it, and the other is told who", async ({ page, browser }) => {
        await signIn(page, "operator");
        const other = await (await browser.newContext()).newPage();
        await signIn(other, "supervisor");
        const { alert_id: id } = await untouched(page);
        await lead(page, id);
        await lead(other, id);
        await Promise.all([page.keyboard.press("c"), other.keyboard.press("c")]);
        await expect.poll(async () => (await known(page, id)).state).toBe("claimed");
        const winner = (await known(page, id)).life.claim?.by.who ?? "";
        expect(winner).not.toBe("");
        for (const one of [page, other]) await expect(row(one, id)).toContainText(winner);
        // Told in words, either by the answer or by the news, whichever was quicker.
        const told = (one: Page) => one.locator("article [role=status]").first();
        await expect
            .poll(async () => (await Promise.all([page, other].map((one) => told(one).innerText()))).join(" "))
            .toContain(winner);
        await other.context().close();
    });

    test("what a colleague claims is seen at once, and a key that comes too late is answered calmly", async ({
        page,
        browser,
    }) => {
        await signIn(page, "operator");
        const other = await (await browser.newContext()).newPage();
        await signIn(other, "supervisor");
        const { alert_id: id } = await untouched(page);
        await lead(page, id);
        await lead(other, id);
        await other.keyboard.press("c");
        await expect(row(page, id).locator(".colleague")).toBeVisible();
        await page.keyboard.press("d");
        await expect(page.getByRole("button", { name: /误报|false detection/ })).toHaveCount(0);
        expect((await known(page, id)).state).toBe("claimed");
        await other.context().close();
    });

    test("plays the clip in place", async ({ page }) => {
        await signIn(page, "operator");
        const { alert_id: id } = await untouched(page, ({ clip }) => clip?.status === "ready");
        await lead(page, id);
        await page.keyboard.press(" ");
        const video = page.locator("aside video");
        const place = () => video.evaluate((film: HTMLVideoElement) => film.currentTime);
        await expect.poll(place).toBeGreaterThan(0.5);
        expect(await video.evaluate((film: HTMLVideoElement) => film.muted)).toBe(true);
        await page.keyboard.press(" ");
        await expect.poll(() => video.evaluate((film: HTMLVideoElement) => film.paused)).toBe(true);
        const before = await place();
        await page.keyboard.press(".");
        await expect.poll(place).toBeGreaterThan(before);
    });

    test("is dismissed by two keys, with the reason, and the hand goes on", async ({ page }) => {
        await signIn(page, "operator");
        const { alert_id: id } = await untouched(page);
        await lead(page, id);
        await page.keyboard.press("d");
        await expect(page.getByRole("group", { name: /排除原因|Why dismissed/ })).toBeVisible();
        await page.keyboard.press("1");
        await expect.poll(async () => (await known(page, id)).state).toBe("dismissed");
        expect((await known(page, id)).life.closed?.reason).toBe("false-detection");
        await expect(row(page, id)).toHaveCount(0);
        await expect(selected(page)).toHaveCount(1);
        await page.getByRole("button", { name: /^(已结|Closed)$/ }).click();
        await expect(row(page, id)).toBeVisible();
    });

    test("another reason wants words, and they are kept", async ({ page }) => {
        await signIn(page, "operator");
        const { alert_id: id } = await untouched(page);
        await lead(page, id);
        await page.keyboard.press("d");
        await page.keyboard.press("6");
        await page.keyboard.type("asked the way");
        await page.keyboard.press("Enter");
        await expect.poll(async () => (await known(page, id)).state).toBe("dismissed");
        expect((await known(page, id)).life.closed).toMatchObject({ reason: "other", note: "asked the way" });
    });

    for (const theme of ["dark", "light"]) {
        test(`has nothing serious in it for axe: ${theme}`, async ({ page }) => {
            await page.addInitScript((wanted) => localStorage.setItem("cunkou.theme", wanted), theme);
            await signIn(page, "operator");
            await page.goto("/#/wall");
            await expect(selected(page)).toBeVisible({ timeout: 90_000 });
            expect(await seriousFindings(page)).toEqual([]);
            await page.keyboard.press("d");
            expect(await seriousFindings(page)).toEqual([]);
            await page.keyboard.press("Escape");
            await page.setViewportSize({ width: 390, height: 844 });
            await page.locator("[role=option]").first().click();
            await expect(page.locator("aside")).toBeVisible();
            expect(await seriousFindings(page)).toEqual([]);
        });
    }
});
