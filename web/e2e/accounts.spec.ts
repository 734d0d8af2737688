// An administrator makes an account; who has it comes in, and is refused what its role may not see.

import AxeBuilder from "@axe-core/playwright";

import { expect, signIn, test } from "./station";

test("an account is made, signs in, and is refused what its role may not see", async ({ page, browser, baseURL }) => {
    await signIn(page, "admin");
    await page.goto("/#/accounts");
    const login = `xiu-${Date.now() % 100_000}`;
    await page.getByRole("button", { name: /新建账户|New account/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel(/^(账号|Login)$/).fill(login);
    await dialog.getByLabel(/^(姓名|Name)$/).fill("修师傅");
    await dialog.getByLabel(/^(单位|Unit)$/).fill("维护组");
    await dialog.getByRole("radio", { name: /维护员|maintainer/ }).check();
    await dialog.getByRole("button", { name: /^(生成|Make one)$/ }).click();
    await dialog.getByRole("button", { name: /^(创建|Make it)$/ }).click();
    const password = await dialog.locator("code").innerText();
    expect(password).toMatch(/^(\w{5}-){3}\w{5}$/);
    await dialog.getByRole("button", { name: /^(完成|Done)$/ }).click();
    await expect(page.getByRole("row", { name: new RegExp(login) })).toContainText("修师傅");

    // The same login once more is refused in words.
    await page.getByRole("button", { name: /新建账户|New account/ }).click();
    await dialog.getByLabel(/^(账号|Login)$/).fill(login);
    await dialog.getByLabel(/^(姓名|Name)$/).fill("另一人");
    await dialog.getByLabel(/^(单位|Unit)$/).fill("维护组");
    await dialog.getByRole("button", { name: /^(生成|Make one)$/ }).click();
    await dialog.getByRole("button", { name: /^(创建|Make it)$/ }).click();
    await expect(dialog.getByRole("alert")).toContainText(/已经有人使用|already/);
    await dialog.getByRole("button", { name: /^(取消|Cancel)$/ }).click();

    const other = await browser.newContext(baseURL === undefined ? {} : { baseURL });
    const theirs = await other.newPage();
    await theirs.goto("/");
    await theirs.getByLabel(/^(账号|Login)$/).fill(login);
    await theirs.getByLabel(/^(密码|Password)$/).fill(password);
    await theirs.getByRole("button", { name: /^(登录|Sign in)$/ }).click();
    const nav = theirs.getByRole("navigation");
    await expect(nav.getByRole("link", { name: /摄像机|Cameras/ })).toBeVisible();
    await expect(nav.getByRole("link", { name: /检索|Search/ })).toHaveCount(0);
    await theirs.goto("/#/search?order=newest");
    await expect(theirs).not.toHaveURL(/#\/search/);
    const clips = await theirs.request.get("/api/v1/clips?limit=1&purpose=%E5%A5%BD%E5%A5%87&case=2026-1");
    expect(clips.status()).toBe(403);
    await other.close();

    await page.getByRole("button", { name: new RegExp(`(删除账户|Remove the account) ${login}`) }).click();
    await dialog.getByRole("button", { name: /^(删除|Remove)$/ }).click();
    await expect(page.getByRole("row", { name: new RegExp(login) })).toHaveCount(0);
});

test("what each role may do stands there in plain words", async ({ page }) => {
    await signIn(page, "admin");
    await page.goto("/#/accounts");
    await page.getByText(/各角色可以做什么|What each role may do/).click();
    const row = page.getByRole("row", { name: /管理账户|Manage accounts/ });
    await expect(row.getByRole("img", { name: /^(可以|yes)$/ })).toHaveCount(1);
});

for (const theme of ["dark", "light"] as const)
    test(`axe finds nothing serious, ${theme}`, async ({ page }) => {
        await page.addInitScript((chosen) => localStorage.setItem("cunkou.theme", chosen), theme);
        await signIn(page, "admin");
        await page.goto("/#/accounts");
        await page.getByText(/各角色可以做什么|What each role may do/).click();
        const serious = async () =>
            (await new AxeBuilder({ page }).analyze()).violations.filter(
                ({ impact }) => impact === "serious" || impact === "critical",
            );
        expect(await serious()).toEqual([]);
        await page.getByRole("button", { name: /新建账户|New account/ }).click();
        await page
            .getByRole("dialog")
            .getByLabel(/只限以下|These alone/)
            .check();
        expect(await serious()).toEqual([]);
    });
