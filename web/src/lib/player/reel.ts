// What one camera recorded, in one <video>: asked for piece by piece, put where it belongs in time, thrown away when it was seen.
//
// The element's time is the wall's less `#origin`. Where nothing was recorded nothing is buffered; who moves the playhead over it is the deck.

import { codingOf, plays, sourceOfBrowser } from "./codecs";
import { holds, nextPiece, stretchAt, without, withSpan, type Span, type Stretch } from "./line";
import { keepPace } from "./pace";
import { Sink } from "./sink";

/** What one asks for at once, at ordinary speed. */
const PIECE_MS = 30_000;
const AHEAD_MS = 20_000;
/** Kept behind the playhead, so that a step back costs nothing. */
const BEHIND_MS = 40_000;
/** Bytes that wait for the browser before the network waits too. */
const WAITING_MAX = 1 << 20;
/** What is being recorded is asked for again after so long. */
const AGAIN_MS = 2000;
const AFTER_FAILURE_MS = 3000;
/** Shorter pieces are not worth a question while one has so much ahead. */
const SMALL_MS = 4000;
/** So close behind what was fetched, one waits for what follows. */
const NEAR_MS = 5000;
/** The element's time begins so long before what is looked at first: one may go back. */
const ROOM_MS = 40 * 24 * 3600 * 1000;
/** Two pictures are not further apart than this, unless something is missing. */
const HOLE_S = 0.35;

export type ReelState =
    /** Plays, or stands at its picture. */
    | { kind: "ready" }
    /** Something was recorded, and is not here yet. */
    | { kind: "loading" }
    /** Nothing was recorded; `cause` as on the time line, `null` where nothing is known. */
    | { kind: "gap"; cause: string | null }
    /** This browser does not play the coding. */
    | { kind: "coding"; coding: string }
    /** The server said no. */
    | { kind: "refused"; status: number; words: string };

export class Reel {
    readonly camera: string;
    readonly video: HTMLVideoElement;
    /** What was recorded when, as far as it is known. */
    line: Stretch[] = [];

    #source: MediaSource | null = null;
    #sink: Sink | null = null;
    #origin: number;
    #fetched: Span[] = [];
    /** The time line says something, and there was nothing. */
    #empty: Span[] = [];
    #asking: AbortController | null = null;
    #notBefore = 0;
    #mime = "";
    #refusal: ReelState | null = null;
    #shown: number | null = null;
    #spacing = 0.04;
    #closed = false;

    constructor(camera: string, video: HTMLVideoElement, at: number) {
        this.camera = camera;
        this.video = video;
        this.#origin = at - ROOM_MS;
        if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(this.#onframe);
    }

    close(): void {
        this.#closed = true;
        this.#asking?.abort();
        this.#sink?.close();
        this.#sink = null;
        this.#source = null;
        const address = this.video.src;
        this.video.removeAttribute("src");
        this.video.load();
        if (address) URL.revokeObjectURL(address);
    }

    /** Asks anew what was refused: there is a purpose now, or the line is back. */
    retry(): void {
        this.#refusal = null;
        this.#notBefore = 0;
    }

    /** What there is at that moment. */
    stateAt(at: number): ReelState {
        const stretch = stretchAt(this.line, at);
        if (stretch?.what === "gap" || holds(this.#empty, at))
            return { kind: "gap", cause: stretch?.what === "gap" ? stretch.cause : "missing" };
        if (!stretch) return this.line.length > 0 ? { kind: "gap", cause: null } : { kind: "loading" };
        if (this.#refusal) return this.#refusal;
        const { before, after } = this.#around(this.#seconds(at));
        if (before) {
            if (this.video.seeking) return { kind: "loading" };
            if (this.video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) return { kind: "ready" };
            // The last picture before something missing has nothing behind it.
            const ends = before.end - this.#seconds(at) < HOLE_S && holds(this.#fetched, at + HOLE_S * 1000);
            return this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && (ends || this.video.paused)
                ? { kind: "ready" }
                : { kind: "loading" };
        }
        // All that there is was fetched: a seam of two files, or the first picture comes a moment later.
        if (holds(this.#fetched, at) && !this.#asking && this.#sink?.isIdle && (after || this.#fetched.length > 0))
            return { kind: "ready" };
        return { kind: "loading" };
    }

    /** Once a tick: plays, stands or jumps as the clock says, and fetches what comes next. */
    drive(at: number, moves: boolean, rate: number, now: number): void {
        this.#fetch(at, rate, now);
        const video = this.video;
        if (!this.#sink || video.readyState === HTMLMediaElement.HAVE_NOTHING) return;
        const target = this.#seconds(at);
        const { before, after } = this.#around(target);
        if (!before) {
            if (!video.paused) video.pause();
            // What follows begins within a picture's length: that is the picture of this moment.
            if (after && after.start - target < HOLE_S && video.currentTime < after.start) this.#jump(after.start);
            return;
        }
        if (!moves) {
            if (!video.paused) video.pause();
            if (Math.abs(video.currentTime - target) > 0.004) this.#jump(target);
            return;
        }
        const kept = keepPace({ target, current: video.currentTime, rate });
        if (kept.to !== null) this.#jump(kept.to);
        if (video.playbackRate !== kept.rate) video.playbackRate = kept.rate;
        if (video.paused && !video.seeking) void video.play().catch(() => {});
    }

    /** When the picture that is shown was taken; `null` before there is one. */
    shownAt(): number | null {
        return this.#shown === null ? null : this.#origin + this.#shown * 1000;
    }

    /** The moment of the next picture (or the one before); `null` where there is none here. */
    async step(by: 1 | -1): Promise<number | null> {
        const here = this.#shown ?? this.video.currentTime;
        // A moment before a picture begins, the one before it is shown. Where the next one begins is not known: look for it.
        let target = by < 0 ? here - 0.002 : here + this.#spacing + 0.002;
        for (let round = 0; round < 12; round++) {
            if (!this.#around(target).before) return null;
            const shown = await this.#show(target);
            if (this.#closed) return null;
            if (shown !== null && (by > 0 ? shown > here + 0.001 : shown < here - 0.001)) {
                if (by > 0) this.#learn(shown - here);
                return this.#origin + shown * 1000 + 1;
            }
            target += by < 0 ? -0.02 : this.#spacing / 2;
        }
        return null;
    }

    #learn(spacing: number): void {
        if (spacing > 0.004 && spacing < 1.5) this.#spacing += (spacing - this.#spacing) * 0.5;
    }

    /** Goes there and waits for the picture. */
    #show(target: number): Promise<number | null> {
        const video = this.video;
        return new Promise((resolve) => {
            let done = false;
            const end = (shown: number | null) => {
                if (!done) resolve(shown);
                done = true;
            };
            if ("requestVideoFrameCallback" in video)
                video.requestVideoFrameCallback((_, { mediaTime }) => end((this.#shown = mediaTime)));
            // The same picture again is not drawn again.
            video.addEventListener("seeked", () => setTimeout(() => end(this.#shown), 150), { once: true });
            setTimeout(() => end(null), 1500);
            video.currentTime = target;
        });
    }

    readonly #onframe = (_: number, { mediaTime }: VideoFrameCallbackMetadata): void => {
        if (this.#closed) return;
        if (this.#shown !== null && !this.video.paused && this.video.playbackRate <= 1.2)
            this.#learn(mediaTime - this.#shown);
        this.#shown = mediaTime;
        this.video.requestVideoFrameCallback(this.#onframe);
    };

    #seconds(at: number): number {
        return (at - this.#origin) / 1000;
    }

    #jump(to: number): void {
        if (!this.video.seeking) this.video.currentTime = to;
    }

    /** The stretch of pictures that holds the moment, and the one behind it. */
    #around(seconds: number): { before: Part | null; after: Part | null } {
        const buffered = this.#sink?.buffered;
        for (let nth = 0; buffered && nth < buffered.length; nth++) {
            const part = { start: buffered.start(nth), end: buffered.end(nth) };
            if (part.end <= seconds) continue;
            return part.start <= seconds + 0.01 ? { before: part, after: null } : { before: null, after: part };
        }
        return { before: null, after: null };
    }

    #fetch(at: number, rate: number, now: number): void {
        if (this.#closed || this.#refusal) return;
        const fast = Math.max(1, rate);
        const seconds = this.#seconds(at);
        // What one looks at is neither here nor on its way: begin anew from there.
        const stretch = stretchAt(this.line, at);
        const near = this.#fetched.some((span) => span.from <= at && at < span.to + NEAR_MS) || this.#isComing(at);
        const far = stretch !== null && stretch.what !== "gap" && !near && !holds(this.#empty, at);
        if (far && this.#fetched.length + (this.#asking ? 1 : 0) > 0) this.#drop();
        if (this.#sink?.isIdle && !this.#asking) {
            const gone = at - BEHIND_MS * fast;
            const oldest = this.#sink.buffered?.length ? this.#sink.buffered.start(0) : Infinity;
            if (this.#origin + oldest * 1000 < gone - 20_000) {
                this.#sink.remove(0, this.#seconds(gone));
                this.#fetched = without(this.#fetched, { from: 0, to: gone });
            }
        }
        if (this.#asking || now < this.#notBefore || seconds < 0) return;
        const piece = nextPiece({
            line: this.line,
            fetched: [...this.#fetched, ...this.#empty].sort((a, b) => a.from - b.from),
            at,
            ahead_ms: AHEAD_MS * fast,
            piece_ms: PIECE_MS * fast,
            now,
        });
        // At the present a piece grows by itself: a question a second would be many for nothing.
        const small = piece !== null && piece.to - piece.from < SMALL_MS && piece.from - at > SMALL_MS;
        if (piece && !small) void this.#ask(piece);
    }

    /** What is being fetched, and how far it came. */
    #coming: Span | null = null;
    #isComing(at: number): boolean {
        const coming = this.#coming;
        // Who goes far ahead of what is on its way does not wait for all of it.
        return coming !== null && coming.from <= at && at < coming.to + 200;
    }

    #drop(): void {
        this.#asking?.abort();
        this.#asking = null;
        this.#coming = null;
        this.#fetched = [];
        this.#sink?.drop();
        if (this.#sink?.buffered?.length) this.#sink.remove(0, Infinity);
        this.#notBefore = 0;
    }

    async #ask(piece: Span): Promise<void> {
        const asking = new AbortController();
        this.#asking = asking;
        this.#coming = piece;
        const isStill = () => this.#asking === asking && !this.#closed;
        try {
            const query = new URLSearchParams({
                from: new Date(piece.from).toISOString(),
                to: new Date(piece.to).toISOString(),
            });
            const address = `/api/v1/cameras/${encodeURIComponent(this.camera)}/playback.mp4?${query.toString()}`;
            const answer = await fetch(address, { credentials: "same-origin", signal: asking.signal });
            if (!isStill()) return;
            if (answer.status === 404) {
                const stretch = stretchAt(this.line, piece.from);
                // What is being recorded may not have come to the disk yet.
                if (stretch?.what === "open") this.#notBefore = Date.now() + AGAIN_MS;
                else this.#empty = withSpan(this.#empty, piece);
                return;
            }
            if (!answer.ok) {
                const words = (await answer.text().catch(() => "")).trim();
                if (answer.status >= 500) this.#notBefore = Date.now() + AFTER_FAILURE_MS;
                else this.#refusal = { kind: "refused", status: answer.status, words };
                return;
            }
            const mime = answer.headers.get("content-type") ?? "";
            const begins = Date.parse(answer.headers.get("cunkou-from") ?? "");
            const ends = Date.parse(answer.headers.get("cunkou-to") ?? "");
            const next = Date.parse(answer.headers.get("cunkou-next") ?? "");
            if (!plays(mime)) {
                this.#refusal = { kind: "coding", coding: codingOf(mime) };
                asking.abort();
                return;
            }
            await this.#ready(mime);
            if (!isStill() || !this.#sink || Number.isNaN(begins)) return;
            if (mime !== this.#mime) this.#sink.change(mime);
            this.#mime = mime;
            this.#sink.offset(this.#seconds(begins));
            await this.#pour(answer, isStill);
            if (!isStill()) return;
            const stretch = stretchAt(this.line, ends);
            const open = stretch?.what === "open" && ends < piece.to - 200;
            if (open) this.#notBefore = Date.now() + AGAIN_MS;
            const to = Number.isNaN(next) ? (open ? Math.max(ends, piece.from + 1) : piece.to) : next;
            this.#fetched = withSpan(this.#fetched, { from: piece.from, to: Math.min(to, piece.to) });
        } catch {
            if (isStill()) this.#notBefore = Date.now() + AFTER_FAILURE_MS;
        } finally {
            if (isStill()) {
                this.#asking = null;
                this.#coming = null;
            }
        }
    }

    /** Hands what comes to the browser, no faster than it takes it. */
    async #pour(answer: Response, isStill: () => boolean): Promise<void> {
        const reader = answer.body?.getReader();
        while (reader && isStill()) {
            const { done, value } = await reader.read();
            if (done || !isStill()) return;
            this.#sink?.append(value);
            while (isStill() && (this.#sink?.waiting ?? 0) > WAITING_MAX) await later(20);
        }
    }

    /** Opens the element's source, the first time. */
    async #ready(mime: string): Promise<void> {
        if (this.#sink) return;
        const Source = sourceOfBrowser();
        if (!Source) throw new Error("this browser plays no video in pages");
        const source = new Source();
        this.#source = source;
        const opened = new Promise((resolve) => source.addEventListener("sourceopen", resolve, { once: true }));
        this.video.disableRemotePlayback = true;
        this.video.src = URL.createObjectURL(source);
        await opened;
        if (this.#closed || this.#source !== source) return;
        source.duration = (2 * ROOM_MS) / 1000;
        this.#mime = mime;
        this.#sink = new Sink(source.addSourceBuffer(mime), { failed: this.#onbroken, idle: () => {} });
    }

    /** What came could not be played: begins anew a little later. */
    readonly #onbroken = (): void => {
        this.#asking?.abort();
        this.#asking = null;
        this.#coming = null;
        this.#fetched = [];
        this.#sink = null;
        this.#source = null;
        this.#notBefore = Date.now() + AFTER_FAILURE_MS;
        const address = this.video.src;
        this.video.removeAttribute("src");
        this.video.load();
        if (address) URL.revokeObjectURL(address);
    };
}

interface Part {
    start: number;
    end: number;
}

function later(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
}
