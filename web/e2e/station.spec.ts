// The station of the tests itself: who has an account, and what can be typed.

import { expect, signIn, station, test } from "./station";

for (const login of ["operator", "maintainer", "investigator", "supervisor", "admin"] as const) {
    test(`${login} can sign in`, async ({ page }) => {
        await signIn(page, login);
        const answer = await page.request.get("/api/v1/session");
        expect(await answer.json()).toMatchObject({ account: { login } });
    });
}

test("a camera is stopped and started by what is typed", async () => {
    await station.type("stop school-road");
    await station.type("start school-road");
    await expect(station.type("stop nobody")).rejects.toThrow(/nobody/);
});
