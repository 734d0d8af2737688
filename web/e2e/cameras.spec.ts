// The camera board and the map: a camera dies and both say so, filters are kept in the address, and who may not see people sees none.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

import { expect, signIn, test } from "./station";

const camera = (page: Page, id: string) => page.locator(`[data-camera="${id}"]`);
const row = (page: Page, id: string) => page.getByRole("row").filter({ has: camera(page, id) });
const gate = (page: Page, id: string) => page.locator(`[data-gate="${id}"]`);

async function open(page: Page, hash: string): Promise<void> {
    await page.evaluate((to) => (location.hash = to), hash);
}

test("a camera dies: board and map say so, what to do, and when it is back", async ({ page, station }) => {
    test.setTimeout(120_000);
    await signIn(page, "admin");
    await open(page, "#/cameras");
    await expect(row(page, "river-path")).toContainText("在线", { timeout: 20_000 });
    const map = await page.context().newPage();
    await map.goto("/#/map?gate=river-path");
    await expect(gate(map, "river-path")).toHaveAttribute("aria-label", /正常/, { timeout: 20_000 });

    station.type("stop river-path");
    try {
        await expect(row(page, "river-path")).toContainText("离线", { timeout: 30_000 });
        // Problems first; and it says what to do about it.
        await expect(page.getByRole("row").nth(1)).toContainText("河边小路");
        await expect(row(page, "river-path")).toContainText(/检查供电|核对地址/);
        await expect(page.getByRole("button", { name: /离线 1/ })).toBeVisible();
        await expect(gate(map, "river-path")).toHaveAttribute("aria-label", /全部离线/, { timeout: 10_000 });
        await expect(map.getByText("此口现在无人看守")).toBeVisible();
        // The round has it, too.
        await page.getByRole("button", { name: "检修清单" }).click();
        await expect(page.getByRole("dialog")).toContainText("river-path");
        await page.keyboard.press("Escape");
    } finally {
        station.type("start river-path");
    }
    await expect(row(page, "river-path")).toContainText("在线", { timeout: 60_000 });
    await expect(gate(map, "river-path")).toHaveAttribute("aria-label", /正常/, { timeout: 10_000 });
    await expect(map.getByText("此口现在无人看守")).toBeHidden();
    await map.close();
});

test("filters narrow, say how many, and are kept in the address", async ({ page }) => {
    await signIn(page, "admin");
    await open(page, "#/cameras?village=lower");
    await expect(camera(page, "river-path")).toBeVisible();
    await expect(camera(page, "north-gate")).toHaveCount(0);
    await page.getByRole("searchbox").fill("河边");
    await expect(camera(page, "south-gate")).toHaveCount(0);
    await expect(page).toHaveURL(/village=lower&text=/);
    await page.reload();
    await expect(camera(page, "river-path")).toBeVisible();
    await expect(page.getByRole("searchbox")).toHaveValue("河边");
    await page.getByRole("button", { name: "清除筛选" }).click();
    await expect(camera(page, "north-gate")).toBeVisible();
    await page.getByRole("button", { name: /^在线/ }).click();
    await expect(page).toHaveURL(/state=online/);
    await page.getByRole("combobox", { name: "分组" }).selectOption("village");
    await expect(page.getByText(/\d\/\d 在线/).first()).toBeVisible();
});

test("the keyboard goes from camera to camera, opens one and comes back", async ({ page }) => {
    await signIn(page, "admin");
    await open(page, "#/cameras?sort=name");
    await expect(page.getByRole("row").nth(4)).toBeVisible();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const second = await page.locator("[data-camera]:focus").getAttribute("data-camera");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(new RegExp(`camera=${second}`));
    await expect(page.getByRole("complementary")).toContainText(second ?? "");
    await page.keyboard.press("Escape");
    await expect(page.getByRole("complementary")).toHaveCount(0);
    await expect(camera(page, second ?? "")).toBeFocused();
});

test("from a gate on the map one comes to its camera and to its alerts", async ({ page }) => {
    await signIn(page, "admin");
    await open(page, "#/map");
    await gate(page, "north-gate").focus();
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/gate=north-gate/);
    const pane = page.getByRole("complementary");
    await expect(pane.getByRole("heading", { level: 2 })).toBeVisible();
    await expect(pane.getByRole("link", { name: "实时" })).toHaveAttribute("href", "#/live?camera=north-gate");
    await expect(pane.getByRole("link", { name: "检索此口" })).toHaveAttribute(
        "href",
        "#/search?entry_point=north-gate",
    );
    await expect(pane.locator('a[href^="#/wall?alert="]').first()).toBeVisible({ timeout: 60_000 });
    await page.keyboard.press("Escape");
    await expect(page).not.toHaveURL(/gate=/);
    // The same as a list.
    await page.getByRole("button", { name: "列表" }).click();
    await page
        .getByRole("region", { name: "村与村口" })
        .getByRole("button", { name: /学校路/ })
        .click();
    await expect(page).toHaveURL(/gate=school-road/);
});

test("a maintainer keeps cameras alive and sees nobody", async ({ page }) => {
    const seen: string[] = [];
    page.on("request", (request) => /picture|still|snapshots|\/alerts/.test(request.url()) && seen.push(request.url()));
    await signIn(page, "maintainer");
    await open(page, "#/cameras?camera=river-path&view=grid");
    await expect(page.getByRole("complementary")).toContainText("river-path");
    await expect(page.locator("canvas")).toHaveCount(0);
    await expect(page.getByRole("link", { name: "区域与线" })).toBeVisible();
    await expect(page.getByRole("link", { name: "回放" })).toHaveCount(0);
    await open(page, "#/map?gate=river-path");
    await expect(page.getByRole("complementary")).toContainText("河边小路");
    await expect(page.locator("canvas, img:not([alt=''])")).toHaveCount(0);
    expect(seen).toEqual([]);
});

test("buttons and sensors say when they were last heard of", async ({ page }) => {
    await signIn(page, "admin");
    await open(page, "#/cameras");
    await page.getByRole("link", { name: /按钮与传感器/ }).click();
    await expect(page.getByRole("row", { name: /学校/ })).toContainText(/从未上报|前/);
});

for (const theme of ["dark", "light"]) {
    test(`nothing serious stands in anybody's way, ${theme}`, async ({ page }) => {
        await page.addInitScript((chosen) => localStorage.setItem("cunkou.theme", chosen), theme);
        await signIn(page, "admin");
        for (const hash of [
            "#/cameras?camera=north-gate&group=gate",
            "#/cameras?view=grid",
            "#/cameras?tab=devices",
            "#/map",
            "#/map?gate=north-gate",
            "#/map?village=lower&view=list",
        ]) {
            await open(page, hash);
            await expect(
                page
                    .locator("main")
                    .getByText(/在线|从未上报/)
                    .first(),
            ).toBeVisible();
            await page.waitForTimeout(800);
            const { violations } = await new AxeBuilder({ page }).include("main").analyze();
            const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
            expect(
                grave.map(
                    ({ id, nodes }) => `${hash} ${id} ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`,
                ),
            ).toEqual([]);
        }
    });
}
