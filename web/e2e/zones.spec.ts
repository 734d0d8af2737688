// Zones by mouse: one is drawn with a rule, tried over the last day, written with its diff confirmed, and the next visitor raises an alert of it.

import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";

import { expect, signIn, test } from "./station";

/** Where people walk in the demo's street, in shares of the picture. */
const STREET: readonly [number, number][] = [
    [0.02, 0.3],
    [0.98, 0.26],
    [0.98, 0.85],
    [0.02, 0.6],
];
/** Waits for a visitor: one comes within a minute or two. */
const VISITOR_MS = 240_000;

async function open(page: Page, camera: string): Promise<Locator> {
    await page.goto(`/#/zones?camera=${camera}`);
    const stage = page.getByRole("application");
    await expect(stage).toBeVisible();
    return stage;
}

async function draw(page: Page, stage: Locator, corners: readonly [number, number][]): Promise<void> {
    // The stage takes the picture's shape once that is there.
    const picture = stage.locator("xpath=preceding-sibling::img");
    await expect
        .poll(() => picture.evaluate((it: HTMLImageElement) => it.complete && it.naturalWidth > 0), { timeout: 60_000 })
        .toBe(true);
    const box = await stage.boundingBox();
    if (!box) throw new Error("the picture is not shown");
    const at = ([x, y]: readonly [number, number]): [number, number] => [box.x + x * box.width, box.y + y * box.height];
    for (const corner of corners) await page.mouse.click(...at(corner));
    // The first corner again closes it.
    if (corners[0]) await page.mouse.click(...at(corners[0]));
}

async function english(page: Page): Promise<void> {
    await page.addInitScript(() => localStorage.setItem("cunkou.language", "en"));
}

test("a zone is drawn, tried, confirmed, and raises", async ({ page }) => {
    test.setTimeout(VISITOR_MS + 120_000);
    await english(page);
    await signIn(page, "admin");
    await page.goto("/#/zones");
    await page.getByRole("link", { name: /North gate/ }).click();
    const stage = page.getByRole("application");
    await expect(stage.getByRole("button", { name: "Zone The way" })).toBeVisible();

    await page.getByRole("button", { name: "Zone", exact: false }).and(page.locator("[aria-keyshortcuts]")).click();
    await draw(page, stage, STREET);
    await expect(stage.getByRole("button", { name: "Zone Zone 1", exact: true })).toBeVisible();
    await page.getByRole("textbox", { name: "Name in English" }).fill("Drawn by mouse");
    await page.getByRole("textbox", { name: "Name in Chinese" }).fill("鼠标所画");
    await page.getByRole("button", { name: "Add a rule on Drawn by mouse" }).click();
    await expect(page.getByRole("button", { name: /Enters Drawn by mouse/, expanded: true })).toBeVisible();
    await page.getByLabel("Severity").selectOption("major");

    // Tried: the answer is about the new rule, or says that nothing was there to go through.
    const day = page.getByRole("region", { name: "The last 24 hours again" });
    await expect(day).toHaveAttribute("aria-busy", "false", { timeout: 60_000 });
    await expect(day.getByText(/passages? judged/)).toBeVisible();

    await page.getByRole("button", { name: "Save…" }).click();
    const dialog = page.getByRole("dialog");
    await expect(dialog.locator("ins", { hasText: "drawn-by-mouse" }).first()).toBeVisible({ timeout: 60_000 });
    await dialog.getByRole("button", { name: "Write it" }).click();
    await expect(page.getByText("Saved: it holds for North gate from now on.")).toBeVisible({ timeout: 30_000 });
    await expect(dialog).toBeHidden();
    await expect(page.getByText("not saved")).toBeHidden();

    // The next visitor, on the wall.
    const raised = async (): Promise<string | undefined> => {
        const answer = await page.request.get("/api/v1/alerts?camera=north-gate&limit=50");
        const { alerts } = (await answer.json()) as { alerts: { alert_id: string; rule: { id: string } }[] };
        return alerts.find(({ rule }) => rule.id === "north-gate-enters-drawn-by-mouse")?.alert_id;
    };
    await expect.poll(raised, { timeout: VISITOR_MS, intervals: [2000] }).toBeDefined();
    await page.goto(`/#/wall?alert=${await raised()}`);
    await expect(page.getByText("Enters Drawn by mouse").first()).toBeVisible();
});

test("what is wrong is seen at once, undone by one key, and nobody leaves by mistake", async ({ page }) => {
    await english(page);
    await signIn(page, "admin");
    const stage = await open(page, "school-road");
    await page.keyboard.press("z");
    await draw(page, stage, [
        [0.1, 0.6],
        [0.4, 0.9],
        [0.4, 0.6],
        [0.1, 0.9],
    ]);
    await expect(page.getByText("Its edge crosses itself")).toBeVisible();
    await expect(page.getByRole("button", { name: "Save…" })).toBeDisabled();

    await page.keyboard.press("Control+z");
    await expect(page.getByText("Its edge crosses itself")).toBeHidden();
    await page.keyboard.press("Control+y");
    await page.getByRole("link", { name: "Cameras", exact: true }).click();
    await expect(page.getByRole("dialog", { name: "Something is not saved" })).toBeVisible();
    await page.getByRole("button", { name: "Stay", exact: true }).click();
    await expect(stage).toBeVisible();
    await page.getByRole("link", { name: "Cameras", exact: true }).click();
    await page.getByRole("button", { name: "Leave without saving" }).click();
    await expect(page).toHaveURL(/#\/cameras/);
});

test("a zone is drawn and moved by keyboard alone", async ({ page }) => {
    await english(page);
    await signIn(page, "admin");
    const stage = await open(page, "school-road");
    await page.keyboard.press("z");
    await expect(stage).toBeFocused();
    await page.keyboard.press("Space");
    for (const key of ["Shift+ArrowRight", "Shift+ArrowDown", "Shift+ArrowLeft"]) {
        await page.keyboard.press(key);
        await page.keyboard.press("Space");
    }
    await page.keyboard.press("Enter");
    const shape = stage.getByRole("button", { name: "Zone Zone 1", exact: true });
    await expect(shape).toBeFocused();
    await page.keyboard.press("Tab");
    const corner = (across: string): Locator =>
        stage.getByRole("button", { name: `Zone Zone 1, corner 1 of 4, ${across} across, 50.0 % down` });
    await expect(corner("50.0 %")).toBeFocused();
    await page.keyboard.press("ArrowLeft");
    await expect(corner("49.5 %")).toBeFocused();
    await page.keyboard.press("Delete");
    await expect(stage.getByRole("button", { name: /Zone Zone 1, corner 1 of 3/ })).toBeFocused();
    await shape.focus();
    await page.keyboard.press("Delete");
    await expect(shape).toBeHidden();
});

test("who saves what somebody else has changed meanwhile keeps what he drew", async ({ page }) => {
    await english(page);
    await signIn(page, "admin");
    const stage = await open(page, "south-gate");
    await page.route("**/api/v1/cameras/south-gate/zones", async (route) => {
        if (route.request().method() === "PUT") await route.fulfill({ status: 409, body: "the file was changed\n" });
        else await route.continue();
    });
    await stage.getByRole("button", { name: "Line Gate" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("button", { name: "Save…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Write it" }).click({ timeout: 60_000 });
    await dialog.getByRole("button", { name: "Load it and lay mine over it" }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByText("not saved")).toBeVisible();
});

for (const theme of ["dark", "light"]) {
    test(`axe finds nothing serious, ${theme}`, async ({ page }) => {
        await page.addInitScript((chosen) => localStorage.setItem("cunkou.theme", chosen), theme);
        await english(page);
        await signIn(page, "admin");
        const check = async (what: string): Promise<void> => {
            const { violations } = await new AxeBuilder({ page }).analyze();
            const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
            expect(
                bad.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
                what,
            ).toEqual([]);
        };
        await page.goto("/#/zones");
        await expect(page.getByRole("link", { name: /North gate/ })).toBeVisible();
        await check("the choice of a camera");
        const stage = await open(page, "north-gate");
        await stage.getByRole("button", { name: "Zone The way" }).focus();
        await page.keyboard.press("Enter");
        await page.getByRole("button", { name: "Add a rule on The way" }).click();
        await expect(page.getByLabel("What raises it")).toBeVisible();
        await check("the editor");
    });
}
