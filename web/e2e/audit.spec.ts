// A supervisor reads what was searched, by whom and for which case, and draws some of it by chance.

import AxeBuilder from "@axe-core/playwright";

import { expect, signIn, test } from "./station";

const PURPOSE = { purpose: "寻找走失老人", case: "2026-0777" };

test("a search is on record, with its purpose and case", async ({ page }) => {
    await signIn(page, "supervisor");
    const from = new URL(page.url()).origin;
    const headers = { origin: from, "content-type": "application/json" };
    expect((await page.request.put("/api/v1/session/purpose", { headers, data: PURPOSE })).ok()).toBe(true);
    expect((await page.request.get("/api/v1/clips?class=truck&direction=out&limit=1")).ok()).toBe(true);
    await page.goto(`/#/audit?action=search&case=${PURPOSE.case}`);
    const row = page.getByRole("row").filter({ hasText: PURPOSE.case }).first();
    await expect(row).toContainText(PURPOSE.purpose);
    await expect(row).toContainText(/货车|truck/);
    await expect(row).toContainText(/出村|out/);
});

test("some of it is drawn by chance, and can be taken along", async ({ page }) => {
    await signIn(page, "supervisor");
    const headers = { origin: new URL(page.url()).origin, "content-type": "application/json" };
    await page.request.put("/api/v1/session/purpose", { headers, data: PURPOSE });
    for (const kind of ["person", "car", "bus"]) await page.request.get(`/api/v1/clips?class=${kind}&limit=1`);
    await page.goto("/#/audit");
    await page.getByLabel(/抽查条数|How many/).fill("2");
    await page.getByRole("button", { name: /随机抽查|Random draw/ }).click();
    await expect(page.getByRole("heading", { level: 1 })).toContainText("2");
    await expect(page.getByRole("table").getByRole("row")).toHaveCount(3);
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: /导出表格|Save as a table/ }).click();
    expect((await saving).suggestedFilename()).toMatch(/^audit-.*\.csv$/);
    // On paper there is the log and nothing else.
    await page.emulateMedia({ media: "print" });
    await expect(page.getByRole("navigation")).toBeHidden();
    await expect(page.getByRole("table")).toBeVisible();
});

test("an operator has no such page", async ({ page }) => {
    await signIn(page, "operator");
    await page.goto("/#/audit");
    await expect(page).not.toHaveURL(/#\/audit/);
});

for (const theme of ["dark", "light"] as const)
    test(`axe finds nothing serious, ${theme}`, async ({ page }) => {
        await page.addInitScript((chosen) => localStorage.setItem("cunkou.theme", chosen), theme);
        await signIn(page, "supervisor");
        for (const place of ["audit", "requests"]) {
            await page.goto(`/#/${place}`);
            await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
            await page.waitForTimeout(500);
            const { violations } = await new AxeBuilder({ page }).analyze();
            expect(violations.filter(({ impact }) => impact === "serious" || impact === "critical")).toEqual([]);
        }
    });
