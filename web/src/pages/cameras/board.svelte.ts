// Every camera as it stands now: the board is read once, and kept by the news.
//
// Health comes by the dozen a second at a large station. So it is looked at twice a second, and a camera of which nothing was heard stays the same object.

import { untrack } from "svelte";

import { api, ask } from "../../lib/api/client";
import { cameras, newsLine } from "../../lib/live/news.svelte";
import { forgetPictures } from "./pictures";
import { seen, type BoardCamera, type Seen } from "./state";

const LOOK_MS = 500;
/** The board is read anew where the news has other cameras than it, but not more often than this. */
const READ_ANEW_MS = 10_000;

let board: BoardCamera[] = [];
let all = $state.raw<Seen[]>([]);
let state = $state<"reading" | "read" | "failed">("reading");
let why = $state("");
let readAt = 0;
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

export function allSeen(): Seen[] {
    return all;
}
export function boardState(): typeof state {
    return state;
}
export function whyBoardFailed(): string {
    return why;
}

export async function readBoard(): Promise<void> {
    readAt = Date.now();
    try {
        board = (await ask(api.GET("/api/v1/cameras"))).cameras;
        state = "read";
        look();
    } catch (failed) {
        why = failed instanceof Error ? failed.message : String(failed);
        if (state === "reading") state = "failed";
    }
}

function look(): void {
    untrack(() => {
        const before = new Map(all.map((one) => [one.camera.id, one]));
        let changed = all.length !== board.length;
        const now = board.map((camera) => {
            const health = cameras.get(camera.id)?.health ?? camera.health;
            const was = before.get(camera.id);
            if (was && was.health === health && was.camera === camera) return was;
            changed = true;
            return seen(camera, health);
        });
        if (changed) all = now;
        if (newsLine() === "live" && Date.now() - readAt > READ_ANEW_MS && others()) void readBoard();
    });
}

function others(): boolean {
    return cameras.size !== board.length || board.some(({ id }) => !cameras.has(id));
}

/** Keeps the board until the returned function is called. Use within `$effect`. */
export function watchBoard(): () => void {
    if (watchers++ === 0) {
        void readBoard();
        timer = setInterval(look, LOOK_MS);
    }
    return () => {
        if (--watchers > 0) return;
        clearInterval(timer);
        board = [];
        all = [];
        state = "reading";
        forgetPictures();
    };
}
