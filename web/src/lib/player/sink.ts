// A SourceBuffer that is asked one thing after the other. It takes no two at once, and no more than it has room for.

/** Waiting to be appended, bytes at most; a viewer that is so far behind begins anew. */
const WAITING_MAX = 8 << 20;

type Task =
    | { do: "append"; bytes: BufferSource; size: number }
    | { do: "remove"; from: number; to: number }
    | { do: "change"; mime: string }
    | { do: "offset"; seconds: number };

export class Sink {
    readonly #buffer: SourceBuffer;
    readonly #told: { failed: (why: unknown) => void; idle: () => void };
    #tasks: Task[] = [];
    #waiting = 0;
    #closed = false;

    /** `idle` is told whenever nothing is left to be done: what can be played has changed. */
    constructor(buffer: SourceBuffer, told: { failed: (why: unknown) => void; idle: () => void }) {
        this.#buffer = buffer;
        this.#told = told;
        buffer.addEventListener("updateend", this.#next);
        buffer.addEventListener("error", () => this.#fail(new Error("the browser cannot read the stream")));
    }

    /** Bytes that wait. */
    get waiting(): number {
        return this.#waiting;
    }

    get isIdle(): boolean {
        return !this.#buffer.updating && this.#tasks.length === 0;
    }

    get buffered(): TimeRanges | null {
        // It throws once it is taken off its source.
        try {
            return this.#closed ? null : this.#buffer.buffered;
        } catch {
            return null;
        }
    }

    append(bytes: BufferSource): void {
        const size = bytes.byteLength;
        if (this.#waiting + size > WAITING_MAX) return this.#fail(new Error("the browser does not keep up"));
        this.#waiting += size;
        this.#add({ do: "append", bytes, size });
    }

    remove(from: number, to: number): void {
        if (to > from) this.#add({ do: "remove", from, to });
    }

    /** Another coding follows. */
    change(mime: string): void {
        this.#add({ do: "change", mime });
    }

    /** What follows begins there. */
    offset(seconds: number): void {
        this.#add({ do: "offset", seconds });
    }

    /** Forgets what waits; what is being done is done. */
    drop(): void {
        this.#tasks = [];
        this.#waiting = 0;
    }

    close(): void {
        this.#closed = true;
        this.drop();
        this.#buffer.removeEventListener("updateend", this.#next);
    }

    #add(task: Task): void {
        if (this.#closed) return;
        this.#tasks.push(task);
        if (!this.#buffer.updating) this.#next();
    }

    readonly #next = (): void => {
        while (!this.#closed && !this.#buffer.updating) {
            const task = this.#tasks.shift();
            if (!task) return this.#told.idle();
            try {
                this.#start(task);
            } catch (why) {
                if (task.do === "append" && why instanceof DOMException && why.name === "QuotaExceededError") {
                    if (this.#makeRoom(task)) continue;
                }
                this.#fail(why);
            }
        }
    };

    #start(task: Task): void {
        switch (task.do) {
            case "append":
                this.#buffer.appendBuffer(task.bytes);
                this.#waiting -= task.size;
                break;
            case "remove":
                this.#buffer.remove(task.from, task.to);
                break;
            case "change":
                this.#buffer.changeType(task.mime);
                break;
            case "offset":
                // Not in the midst of a fragment.
                this.#buffer.abort();
                this.#buffer.timestampOffset = task.seconds;
                break;
        }
    }

    /** The browser is full: throws away the older half, once for each time that it is. */
    #makeRoom(task: Task): boolean {
        const { buffered } = this.#buffer;
        if (buffered.length === 0) return false;
        const [from, to] = [buffered.start(0), buffered.end(buffered.length - 1)];
        if (to - from < 4) return false;
        this.#tasks.unshift({ do: "remove", from, to: from + (to - from) / 2 }, task);
        return true;
    }

    #fail(why: unknown): void {
        if (this.#closed) return;
        this.close();
        this.#told.failed(why);
    }
}
