// Which part of a long list is drawn: items of known heights, one below the other.

/** Where each item begins, and at the end where the last one ends. Pixels. */
export function offsets(heights: readonly number[]): number[] {
    const found = [0];
    let at = 0;
    for (const height of heights) found.push((at += height));
    return found;
}

/** The item at this height: the last one that begins at it or above. */
export function itemAt(begins: readonly number[], at: number): number {
    let [low, high] = [0, Math.max(0, begins.length - 2)];
    while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((begins[middle] ?? 0) <= at) low = middle;
        else high = middle - 1;
    }
    return low;
}

/** First item, and the one behind the last, that are seen; `margin` pixels more on both sides. */
export function visible(
    begins: readonly number[],
    top: number,
    height: number,
    margin: number,
): { from: number; to: number } {
    const count = begins.length - 1;
    if (count <= 0) return { from: 0, to: 0 };
    return { from: itemAt(begins, top - margin), to: Math.min(count, itemAt(begins, top + height + margin) + 1) };
}

/** Where to scroll so that an item is whole in view; `null` where it is. `head`: pixels at the top that something covers. */
export function scrollTo(
    begins: readonly number[],
    item: number,
    top: number,
    height: number,
    head: number,
): number | null {
    const [from, to] = [begins[item] ?? 0, begins[item + 1] ?? 0];
    if (from < top + head) return Math.max(0, from - head);
    if (to > top + height) return to - height;
    return null;
}
