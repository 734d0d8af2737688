// How places are called: read once for a page from the camera board.

import { api, ask } from "../../lib/api/client";
import { currentLanguage, named } from "../../lib/language.svelte";
import { dateTime } from "../../lib/time.svelte";
import { word } from "../../lib/words";
import type { Speech } from "./describe";
import type { BoardCamera } from "./places";

export class Names {
    cameras = $state.raw<BoardCamera[]>([]);
    #byCamera = $derived(new Map(this.cameras.map((camera) => [camera.id, camera])));
    #byGate = $derived(new Map(this.cameras.map((camera) => [camera.entry_point.id, camera.entry_point.name])));
    #byVillage = $derived(new Map(this.cameras.map((camera) => [camera.village.id, camera.village.name])));

    async read(): Promise<void> {
        this.cameras = (await ask(api.GET("/api/v1/cameras"))).cameras;
    }

    // What is not in the configuration any more is called by its id.
    camera(id: string): string {
        return named(this.#byCamera.get(id)?.name) || id;
    }
    gate(id: string): string {
        return named(this.#byGate.get(id)) || id;
    }
    village(id: string): string {
        return named(this.#byVillage.get(id)) || id;
    }

    speech(): Speech {
        return {
            language: currentLanguage(),
            word,
            camera: (id) => this.camera(id),
            gate: (id) => this.gate(id),
            village: (id) => this.village(id),
            moment: (text) => (text.includes("T") && !Number.isNaN(Date.parse(text)) ? dateTime(text) : text),
        };
    }
}
