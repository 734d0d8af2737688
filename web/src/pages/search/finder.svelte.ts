// The clips that were found, page by page. Each page is a search of its own on record, so the next one is asked for only when somebody gets there.

import { api, ask, Refused, type Schemas } from "../../lib/api/client";
import type { paths } from "../../lib/api/schema";

export type Clip = Schemas["clip"];
type Query = NonNullable<paths["/api/v1/clips"]["get"]["parameters"]["query"]>;

/** Clips of a page: some screens full. */
const PAGE = 100;

export type State = "idle" | "asking" | "there" | "failed";

export class Finder {
    clips = $state.raw<Clip[]>([]);
    state = $state<State>("idle");
    /** Whether there are more. */
    next = $state<string | null>(null);
    refused = $state.raw<Refused | null>(null);
    #question: Record<string, string> = {};
    #going: AbortController | null = null;

    /** Asks anew; what was found before is forgotten. */
    ask(question: Record<string, string>): void {
        this.forget();
        this.#question = question;
        void this.#page(null);
    }

    /** The next page, where there is one and it is not on its way. */
    more(): void {
        if (this.state === "there" && this.next !== null) void this.#page(this.next);
    }

    /** Once more, after it failed. */
    again(): void {
        if (this.state === "failed") void this.#page(this.clips.length > 0 ? this.next : null);
    }

    forget(): void {
        this.#going?.abort();
        this.#going = null;
        this.clips = [];
        this.next = null;
        this.refused = null;
        this.state = "idle";
    }

    async #page(after: string | null): Promise<void> {
        const going = new AbortController();
        this.#going = going;
        this.state = "asking";
        const query = { ...this.#question, limit: PAGE, ...(after === null ? {} : { after }) };
        try {
            const page = await ask(
                api.GET("/api/v1/clips", { params: { query: query as unknown as Query }, signal: going.signal }),
            );
            if (this.#going !== going) return;
            const known = new Set(this.clips.map(({ id }) => id));
            this.clips = [...this.clips, ...page.clips.filter(({ id }) => !known.has(id))];
            this.next = page.next;
            this.refused = null;
            this.state = "there";
        } catch (why) {
            if (this.#going !== going) return;
            this.refused = why instanceof Refused ? why : new Refused(0, String(why));
            this.state = "failed";
        }
    }
}
