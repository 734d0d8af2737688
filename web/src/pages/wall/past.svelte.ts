// Alerts that were closed: read page by page from the record, newest first, and what is closed meanwhile.

import { api, ask } from "../../lib/api/client";
import { alerts, isOpen, type Alert } from "../../lib/live/news.svelte";
import type { Filter } from "./order";

const PAGE = 100;

export class Past {
    #read = $state.raw<Alert[]>([]);
    #next = $state<string | null>(null);
    #from = $state("");
    #asked = 0;
    /** Whether a page is being read. */
    reading = $state(false);
    /** Why it could not be read. */
    trouble = $state("");

    /** Of the record, and of the news since: each once, as it stands. */
    readonly listed = $derived.by(() => {
        const known = new Map(this.#read.map((alert) => [alert.alert_id, alert]));
        for (const alert of alerts.values()) {
            if (!isOpen(alert) && (alert.life?.raised_at ?? alert.occurred_at) >= this.#from) {
                known.set(alert.alert_id, alert);
            }
        }
        return [...known.values()];
    });

    readonly hasMore = $derived(this.#next !== null);

    /** Begins anew: raised at `from` or later. Answers with the first page. */
    async open(from: Date, filter: Filter): Promise<void> {
        this.#from = from.toISOString();
        this.#read = [];
        this.#next = null;
        await this.#page(filter, undefined);
    }

    async more(filter: Filter): Promise<void> {
        if (this.reading || this.#next === null) return;
        await this.#page(filter, this.#next);
    }

    async #page(filter: Filter, after: string | undefined): Promise<void> {
        const asked = ++this.#asked;
        this.reading = true;
        this.trouble = "";
        const query = {
            state: ["closed" as const],
            from: this.#from,
            limit: PAGE,
            ...(filter.severities.length > 0 && { severity: filter.severities }),
            ...(filter.kind && { kind: [filter.kind] }),
            ...(filter.camera && { camera: [filter.camera] }),
            ...(after && { after }),
        };
        try {
            const page = await ask(api.GET("/api/v1/alerts", { params: { query } }));
            if (asked !== this.#asked) return;
            this.#read = [...this.#read, ...page.alerts];
            this.#next = page.next;
        } catch (why) {
            if (asked === this.#asked) this.trouble = why instanceof Error ? why.message : String(why);
        } finally {
            if (asked === this.#asked) this.reading = false;
        }
    }
}
