// Which boxes belong to the picture that is shown: kept by their time, given by the playhead's.

import type { Boxes, Thing } from "./messages";

const KEPT = 600;
/** Older ones say nothing about what is seen now. */
const HOLDS_S = 0.7;
/** A picture's time and its boxes' differ by rounding. */
const ROUNDING_S = 0.02;

export class BoxLine {
    #said: Boxes[] = [];

    add(boxes: Boxes): void {
        const said = this.#said;
        // They come in order but for the odd one.
        let at = said.length;
        while (at > 0 && (said[at - 1]?.at_s ?? 0) > boxes.at_s) at--;
        if (said[at - 1]?.at_s === boxes.at_s) said[at - 1] = boxes;
        else said.splice(at, 0, boxes);
        if (said.length > KEPT) said.splice(0, said.length - KEPT);
    }

    clear(): void {
        this.#said = [];
    }

    /** What is to be drawn over the picture at `at_s`. */
    at(at_s: number): Thing[] {
        let low = 0;
        let high = this.#said.length;
        while (low < high) {
            const middle = (low + high) >> 1;
            if ((this.#said[middle]?.at_s ?? 0) <= at_s + ROUNDING_S) low = middle + 1;
            else high = middle;
        }
        const found = this.#said[low - 1];
        return found && at_s - found.at_s <= HOLDS_S ? found.objects : [];
    }
}
