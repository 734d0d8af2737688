// End to end, in a real browser, against the real program: see e2e/station.ts.

import { defineConfig } from "@playwright/test";

export default defineConfig({
    testDir: "e2e",
    outputDir: "test-results",
    reporter: [["list"]],
    // One station, and one browser at it: what a test sees is what it did.
    workers: 1,
    retries: 0,
    forbidOnly: Boolean(process.env["CI"]),
    // Visitors come when they come, and machines are slow: these are limits, and no test asserts a time.
    timeout: 180_000,
    expect: { timeout: 30_000 },
    use: {
        viewport: { width: 1366, height: 768 },
        locale: "zh-CN",
        actionTimeout: 30_000,
        navigationTimeout: 60_000,
        trace: "retain-on-failure",
        screenshot: "only-on-failure",
        launchOptions: {
            executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
            args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        },
    },
});
