// One camera, live, in one <video>: what comes over its WebSocket is put together by the browser (Media Source Extensions).
//
// Owns the socket, the buffer and the playhead: it keeps to the newest picture, comes back by itself, and says in what state it is. It draws nothing, and knows
// no words: who uses it says what a state is called. The last picture stands in the element until the next one comes.

import { BoxLine } from "./boxes";
import { codingOf, plays, sourceOfBrowser } from "./codecs";
import { backOff, Cushion, keepUp, staleUntil } from "./edge";
import { readMessage, type Init, type Thing } from "./messages";
import { Sink } from "./sink";

/** What hinders. `words` are the server's own. */
export type Trouble =
    /** The camera is not there, or sends what no browser plays. The connection stands. */
    | { kind: "gone"; words: string }
    /** The server said no; asked again later, since cameras come and go. */
    | { kind: "refused"; status: number; words: string }
    /** Nobody answers. */
    | { kind: "unreachable" }
    /** This browser does not play the coding. */
    | { kind: "coding"; coding: string }
    /** What came could not be played; begun anew. */
    | { kind: "broken"; words: string };

export type LiveState = "resting" | "connecting" | "playing" | "waiting" | "trouble";

export interface LiveStats {
    stream: "main" | "sub";
    coding: string;
    width: number;
    height: number;
    /** From asking to the first picture, milliseconds; `null` before it. */
    firstPictureMs: number | null;
    /** Behind the newest picture that is here, seconds. */
    lag: number;
    decoded: number;
    dropped: number;
    kbps: number;
    /** Times that it was connected anew. */
    again: number;
    /** Times that it lagged so far that the server left pictures out. */
    skipped: number;
    stalls: number;
}

export interface LiveWanted {
    camera: string;
    stream: "main" | "sub" | null;
    boxes: boolean;
}

export interface LiveTold {
    changed: (state: LiveState, trouble: Trouble | null, sound: Init["sound"]) => void;
    /** The element shows the first picture since it was asked for. */
    shown: () => void;
    /** The element is about to be emptied: who wants its last picture takes it now. */
    emptied: () => void;
}

/** Nothing is shown that long, while connected: something is wrong with the connection. */
const SILENT_MS = 20_000;
const TICK_MS = 250;
/** Whom the server refused asks again as if it had failed so often. */
const REFUSED_LEAST = 4;

export function liveAddress({ camera, stream, boxes }: LiveWanted): string {
    const query = new URLSearchParams();
    if (stream) query.set("stream", stream);
    if (boxes) query.set("boxes", "1");
    const text = query.toString();
    return `/api/v1/cameras/${encodeURIComponent(camera)}/live${text ? `?${text}` : ""}`;
}

export class LivePlayer {
    readonly #video: HTMLVideoElement;
    readonly #told: LiveTold;
    #wanted: LiveWanted;

    #socket: WebSocket | null = null;
    #source: MediaSource | null = null;
    #sink: Sink | null = null;
    /** What came before the buffer was open. */
    #early: ArrayBuffer[] = [];
    #init: Init | null = null;
    readonly #boxes = new BoxLine();
    #cushion = new Cushion();

    #state: LiveState = "resting";
    #trouble: Trouble | null = null;
    #retry: ReturnType<typeof setTimeout> | null = null;
    #ticking: ReturnType<typeof setInterval> | null = null;
    #failures = 0;
    #asked = 0;
    #heard = 0;
    #first: number | null = null;
    #follows = false;
    /** Stands still until there is enough to go on with. */
    #holds = true;
    /** A newest key picture follows: go to the end of what is there. */
    #jumps = false;
    #bytes: { at: number; size: number }[] = [];
    #again = 0;
    #skipped = 0;
    #stalls = 0;
    /** Whatever was begun before belongs to another picture. */
    #round = 0;

    constructor(video: HTMLVideoElement, wanted: LiveWanted, told: LiveTold) {
        this.#video = video;
        this.#wanted = wanted;
        this.#told = told;
        video.addEventListener("waiting", this.#onwaiting);
        video.addEventListener("error", this.#onerror);
    }

    /** Begins, or goes on after a rest. */
    start(): void {
        if (this.#state !== "resting") return;
        this.#failures = 0;
        this.#ticking ??= setInterval(this.#tick, TICK_MS);
        this.#connect();
    }

    /** Lets go of the connection; the last picture stays. */
    rest(): void {
        this.#hangUp();
        if (this.#ticking) clearInterval(this.#ticking);
        this.#ticking = null;
        this.#say("resting", null);
    }

    /** Another camera or stream, or boxes with it: begins anew where it differs. */
    want(wanted: LiveWanted): void {
        const before = this.#wanted;
        this.#wanted = wanted;
        if (before.camera === wanted.camera && before.stream === wanted.stream && before.boxes === wanted.boxes) return;
        if (this.#state === "resting") return;
        this.#hangUp();
        this.#failures = 0;
        this.#connect();
    }

    /** For good. */
    close(): void {
        this.rest();
        this.#empty();
        this.#video.removeEventListener("waiting", this.#onwaiting);
        this.#video.removeEventListener("error", this.#onerror);
    }

    /** When the picture that is shown was taken, Unix milliseconds; `null` before the first. */
    shownAt(): number | null {
        if (!this.#init || this.#first === null) return null;
        return Date.parse(this.#init.from) + (this.#video.currentTime - this.#init.at_s) * 1000;
    }

    /** What the detector saw in the picture at that time of the element. */
    boxesAt(seconds: number): Thing[] {
        return this.#boxes.at(seconds);
    }

    stats(): LiveStats {
        const quality = this.#video.getVideoPlaybackQuality?.();
        const since = performance.now() - 3000;
        this.#bytes = this.#bytes.filter(({ at }) => at > since);
        const size = this.#bytes.reduce((sum, piece) => sum + piece.size, 0);
        const newest = this.#newest();
        return {
            stream: this.#init?.stream ?? this.#wanted.stream ?? "main",
            coding: this.#init ? codingOf(this.#init.mime) : "",
            width: this.#video.videoWidth,
            height: this.#video.videoHeight,
            firstPictureMs: this.#first,
            lag: newest ? Math.max(0, newest.end - this.#video.currentTime) : 0,
            decoded: quality?.totalVideoFrames ?? 0,
            dropped: quality?.droppedVideoFrames ?? 0,
            kbps: Math.round((size * 8) / 3000),
            again: this.#again,
            skipped: this.#skipped,
            stalls: this.#stalls,
        };
    }

    #say(state: LiveState, trouble: Trouble | null): void {
        this.#state = state;
        this.#trouble = trouble;
        this.#told.changed(state, trouble, this.#init?.sound ?? "none");
    }

    #connect(): void {
        if (!sourceOfBrowser()) return this.#say("trouble", { kind: "coding", coding: "MSE" });
        const round = ++this.#round;
        this.#asked = performance.now();
        this.#heard = this.#asked;
        this.#follows = false;
        // Whoever looks at a trouble goes on looking at it until there is a picture.
        if (this.#trouble === null) this.#say("connecting", null);
        const socket = new WebSocket(location.origin.replace(/^http/, "ws") + liveAddress(this.#wanted));
        socket.binaryType = "arraybuffer";
        this.#socket = socket;
        let opened = false;
        socket.onopen = () => {
            opened = true;
            this.#heard = performance.now();
        };
        socket.onmessage = ({ data }) => {
            if (round !== this.#round) return;
            this.#heard = performance.now();
            if (typeof data === "string") this.#hear(data);
            else this.#take(data as ArrayBuffer);
        };
        socket.onclose = () => {
            if (round !== this.#round) return;
            this.#socket = null;
            void this.#lost(round, opened);
        };
    }

    #hangUp(): void {
        this.#round++;
        if (this.#retry) clearTimeout(this.#retry);
        this.#retry = null;
        this.#socket?.close();
        this.#socket = null;
        this.#boxes.clear();
    }

    /** The connection ended, or there was none: says why, and asks again after a while. */
    async #lost(round: number, opened: boolean): Promise<void> {
        let trouble: Trouble = { kind: "unreachable" };
        if (!opened) {
            // A script does not learn why a WebSocket was refused; the same address says it to a plain question.
            const answer = await fetch(liveAddress(this.#wanted), { credentials: "same-origin" }).catch(() => null);
            const words = (await answer?.text().catch(() => "")) ?? "";
            if (answer && answer.status !== 426 && answer.status !== 502 && answer.status !== 504)
                trouble = { kind: "refused", status: answer.status, words: words.trim() };
        }
        if (round !== this.#round) return;
        this.#say("trouble", trouble);
        this.#again++;
        // A no is not changed by asking at once.
        if (trouble.kind === "refused") this.#failures = Math.max(this.#failures, REFUSED_LEAST);
        this.#retry = setTimeout(() => this.#connect(), backOff(this.#failures++, Math.random()));
    }

    #hear(text: string): void {
        const message = readMessage(text);
        switch (message?.type) {
            case "init":
                this.#begin(message);
                break;
            case "skipped":
                this.#skipped++;
                this.#jumps = true;
                break;
            case "gone":
                this.#say("trouble", { kind: "gone", words: message.why });
                break;
            case "boxes":
                this.#boxes.add(message);
                break;
            case undefined:
                break;
        }
    }

    #begin(init: Init): void {
        const before = this.#init;
        this.#init = init;
        if (!plays(init.mime)) {
            this.#empty();
            return this.#say("trouble", { kind: "coding", coding: codingOf(init.mime) });
        }
        if (this.#trouble?.kind === "gone") {
            this.#jumps = true;
            this.#say("waiting", null);
        }
        // The same connection goes on in the same time; another one begins at nought.
        if (this.#sink && this.#follows) {
            if (before && before.mime !== init.mime) this.#sink.change(init.mime);
            return;
        }
        this.#open(init);
    }

    #open(init: Init): void {
        this.#empty();
        const Source = sourceOfBrowser();
        if (!Source) return;
        const source = new Source();
        this.#source = source;
        this.#first = null;
        this.#follows = true;
        this.#cushion = new Cushion();
        this.#jumps = true;
        this.#holds = true;
        this.#video.pause();
        const round = this.#round;
        source.addEventListener("sourceopen", () => {
            if (this.#source !== source || round !== this.#round) return;
            try {
                const buffer = source.addSourceBuffer(init.mime);
                this.#sink = new Sink(buffer, { failed: this.#onbroken, idle: this.#tick });
            } catch (why) {
                return this.#onbroken(why);
            }
            for (const bytes of this.#early.splice(0)) this.#sink.append(bytes);
        });
        // A stream without end; and no screen elsewhere, which a phone asks for before it gives a ManagedMediaSource.
        this.#video.disableRemotePlayback = true;
        this.#video.src = URL.createObjectURL(source);
    }

    #take(bytes: ArrayBuffer): void {
        const now = performance.now();
        const before = this.#bytes.at(-1);
        if (before) this.#cushion.came((now - before.at) / 1000);
        this.#bytes.push({ at: now, size: bytes.byteLength });
        if (this.#bytes.length > 2000) this.#bytes.splice(0, 1000);
        if (this.#sink) this.#sink.append(bytes);
        else if (this.#source) this.#early.push(bytes);
    }

    #empty(): void {
        this.#sink?.close();
        this.#sink = null;
        this.#early = [];
        this.#follows = false;
        if (!this.#source) return;
        this.#source = null;
        this.#told.emptied();
        const address = this.#video.src;
        this.#video.removeAttribute("src");
        this.#video.load();
        URL.revokeObjectURL(address);
    }

    /** The newest stretch that can be played without a hole. */
    #newest(): { start: number; end: number } | null {
        const buffered = this.#sink?.buffered;
        if (!buffered || buffered.length === 0) return null;
        const last = buffered.length - 1;
        return { start: buffered.start(last), end: buffered.end(last) };
    }

    readonly #tick = (): void => {
        const video = this.#video;
        const newest = this.#newest();
        if (this.#socket && performance.now() - this.#heard > SILENT_MS && this.#trouble?.kind !== "gone") {
            // A connection that says nothing is dead, whatever the system thinks of it.
            this.#hangUp();
            const round = this.#round;
            return void this.#lost(round, true);
        }
        if (!newest || document.hidden) return;
        if (this.#holds) {
            // Played before there is enough, it would stumble from picture to picture.
            const [from, cushion] = [Math.max(newest.start, video.currentTime), this.#cushion.seconds];
            if (newest.end - from < cushion) {
                if (video.currentTime < newest.start) video.currentTime = newest.start;
                if (this.#first === null) this.#awaitFirst();
                return;
            }
            this.#holds = false;
        }
        const move = keepUp({ at: video.currentTime, rate: video.playbackRate, ...newest }, this.#cushion.seconds);
        if (this.#jumps && newest.end - video.currentTime > this.#cushion.seconds * 2)
            move.to ??= Math.max(newest.start, newest.end - this.#cushion.seconds);
        this.#jumps = false;
        if (move.to !== null) video.currentTime = move.to;
        if (video.playbackRate !== move.rate) video.playbackRate = move.rate;
        if (video.paused) void video.play().catch(() => {});
        this.#cushion.wentWell(TICK_MS / 1000);
        if (this.#first === null) this.#awaitFirst();
        else if (this.#state === "waiting" && video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA)
            this.#say("playing", null);
        const begin = this.#sink?.buffered?.start(0) ?? 0;
        const stale = staleUntil(begin, video.currentTime);
        if (stale !== null && this.#sink?.isIdle) this.#sink.remove(begin, stale);
    };

    #awaitingFirst = -1;
    #awaitFirst(): void {
        if (this.#awaitingFirst === this.#round) return;
        const round = this.#round;
        this.#awaitingFirst = round;
        const seen = () => {
            if (round !== this.#round || this.#first !== null) return;
            this.#first = performance.now() - this.#asked;
            this.#failures = 0;
            this.#say("playing", null);
            this.#told.shown();
        };
        if ("requestVideoFrameCallback" in this.#video) this.#video.requestVideoFrameCallback(seen);
        else (this.#video as HTMLVideoElement).addEventListener("timeupdate", seen, { once: true });
    }

    readonly #onwaiting = (): void => {
        if (this.#first === null || this.#state === "resting") return;
        // A jump is no stall.
        if (this.#video.seeking || this.#holds) return;
        this.#stalls++;
        this.#cushion.stalled();
        this.#holds = true;
        this.#video.pause();
        if (this.#state === "playing") this.#say("waiting", null);
    };

    readonly #onerror = (): void => {
        if (this.#source && this.#video.error) this.#onbroken(new Error(this.#video.error.message));
    };

    /** What came cannot be played: begins anew, with a new connection and a new buffer. */
    readonly #onbroken = (why: unknown): void => {
        if (this.#state === "resting") return;
        this.#hangUp();
        this.#empty();
        this.#say("trouble", { kind: "broken", words: why instanceof Error ? why.message : String(why) });
        this.#again++;
        this.#retry = setTimeout(() => this.#connect(), backOff(this.#failures++, Math.random()));
    };
}
