// The station that the tests look at: the real program with its simulated village, started once for all tests of a worker.
//
// CUNKOU_BIN names the program (default: ../target/debug/cunkou). Its log lies in test-results/ while it runs, and stays there where a test failed.

import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { test as base, expect, type Page } from "@playwright/test";

export { expect };

const LOGINS = ["operator", "maintainer", "investigator", "supervisor", "admin"] as const;
export type Login = (typeof LOGINS)[number];

const WEB = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const CAMERAS = 4;
/** The first start ever prepares the village's film. */
const START_MS = 300_000;
const ANSWER_MS = 30_000;
const STOP_MS = 30_000;

interface Running {
    url: string;
    passwords: Map<Login, string>;
    process: ChildProcess;
    /** Every line that it said, the newest last. */
    said: string[];
    /** Called with each further line. */
    listeners: Set<(line: string) => void>;
    /** Where its log is. */
    log: string;
    data: string;
}

let running: Running | null = null;
let hasFailed = false;

function current(): Running {
    if (!running) throw new Error("no station is running: use `test` of e2e/station.ts");
    return running;
}

/** The station of this worker. */
export const station = {
    /** Where its page is, without a slash at the end. */
    get url(): string {
        return current().url;
    },

    passwordOf(login: Login): string {
        const password = current().passwords.get(login);
        if (!password) throw new Error(`the greeting has no password of ${login}`);
        return password;
    },

    /** What it said up to now. */
    said(): string {
        return current().said.join("\n");
    },

    /** Types a line, such as `stop north-gate`, and waits for its answer. */
    async type(line: string): Promise<void> {
        const { process } = current();
        const answer = nextLine(
            (said) => said.startsWith(`${line}:`) || /is no command|has no camera|^type: /.test(said),
        );
        process.stdin?.write(`${line}\n`);
        const said = await answer;
        if (said !== `${line}: done`) throw new Error(`"${line}" was answered with: ${said}`);
    },
};

/** The next line that fits. */
function nextLine(fits: (line: string) => boolean): Promise<string> {
    const { listeners } = current();
    return new Promise((found, failed) => {
        const hear = (line: string): void => {
            if (fits(line)) over(() => found(line));
        };
        const timer = setTimeout(() => over(() => failed(new Error("the station did not answer"))), ANSWER_MS);
        const over = (then: () => void): void => {
            clearTimeout(timer);
            listeners.delete(hear);
            then();
        };
        listeners.add(hear);
    });
}

/** Signs in by the form, as one does; whoever was signed in before in this page is not any more. */
export async function signIn(page: Page, login: Login): Promise<void> {
    await page.context().clearCookies();
    await page.goto("/");
    await page.locator("input[autocomplete=username]").fill(login);
    await page.locator("input[autocomplete=current-password]").fill(station.passwordOf(login));
    await page.locator("form button:not([type=button])").click();
    await expect(page.locator("#main")).toBeVisible();
}

export const test = base.extend<{ failures: undefined }, { station: typeof station }>({
    station: [
        async ({}, use, worker) => {
            running = await start(worker.workerIndex);
            try {
                await use(station);
            } finally {
                await stop(running);
                running = null;
            }
        },
        { scope: "worker", auto: true, timeout: START_MS + STOP_MS },
    ],
    baseURL: async ({ station }, use) => use(station.url),
    failures: [
        async ({}, use, test) => {
            await use(undefined);
            if (test.status !== test.expectedStatus) hasFailed = true;
        },
        { auto: true },
    ],
});

async function start(worker: number): Promise<Running> {
    const program = resolve(WEB, process.env["CUNKOU_BIN"] ?? "../target/debug/cunkou");
    const data = mkdtempSync(join(tmpdir(), "cunkou-e2e-"));
    const log = join(WEB, "test-results", `station-${worker}.log`);
    mkdirSync(dirname(log), { recursive: true });
    const written = createWriteStream(log);

    const child = spawn(program, ["demo", "--cameras", String(CAMERAS), "--data", data], {
        cwd: resolve(WEB, ".."),
        stdio: ["pipe", "pipe", "pipe"],
    });
    const made: Running = { url: "", passwords: new Map(), process: child, said: [], listeners: new Set(), log, data };
    const hear = (raw: string): void => {
        const line = raw.replace(/\u001b\[[0-9;]*m/g, "");
        written.write(`${line}\n`);
        made.said.push(line);
        for (const listener of made.listeners) listener(line);
    };
    createInterface({ input: child.stdout }).on("line", hear);
    createInterface({ input: child.stderr }).on("line", hear);
    // A program that has ended cannot be typed to; its end is told elsewhere.
    child.stdin.on("error", () => {});

    try {
        await greeted(made);
        await answers(made.url);
        return made;
    } catch (why) {
        hasFailed = true;
        await stop(made);
        throw new Error(
            `${program} did not start: ${String(why)}\nIts log is ${log}; its last words:\n${made.said.slice(-20).join("\n")}`,
        );
    }
}

/** Waits for the page's address and the passwords of all accounts, in whatever order they are said. */
function greeted(made: Running): Promise<void> {
    return new Promise((done, failed) => {
        const over = (then: () => void): void => {
            clearTimeout(timer);
            made.listeners.delete(hear);
            then();
        };
        const timer = setTimeout(() => over(() => failed(new Error("no greeting came"))), START_MS);
        made.process.once("error", (why) => over(() => failed(why)));
        made.process.once("exit", (code, signal) => over(() => failed(new Error(`it ended: ${code ?? signal}`))));
        const hear = (line: string): void => {
            const page = /\bpage\b.*?(https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d+)/i.exec(line);
            if (page?.[1] && !made.url) made.url = page[1];
            const account = /^\s*(operator|maintainer|investigator|supervisor|admin)\s+(\S+)\s*$/.exec(line);
            if (account?.[1] && account[2]) made.passwords.set(account[1] as Login, account[2]);
            if (made.url && LOGINS.every((login) => made.passwords.has(login))) over(done);
        };
        made.listeners.add(hear);
    });
}

/** Waits until the page is handed out. */
async function answers(url: string): Promise<void> {
    await expect
        .poll(
            () =>
                fetch(`${url}/api/v1/session`).then(
                    (answer) => answer.status,
                    () => 0,
                ),
            { timeout: ANSWER_MS },
        )
        .toBe(200);
}

async function stop({ process: child, data, log }: Running): Promise<void> {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((done) => child.once("exit", done));
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
        await ended;
        clearTimeout(timer);
    }
    rmSync(data, { recursive: true, force: true });
    if (!hasFailed) rmSync(log, { force: true });
}
