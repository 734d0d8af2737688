// Which rows of a long list are drawn, and where it has to be scrolled to so that nothing moves under the hand. All rows are equally high.

export interface Span {
    first: number;
    /** Behind the last. */
    end: number;
}

/** The rows in view, and `over` more on either side. */
export function spanOf(top: number, height: number, rowHeight: number, count: number, over: number): Span {
    const first = Math.max(0, Math.floor(top / rowHeight) - over);
    const end = Math.min(count, Math.ceil((top + height) / rowHeight) + over);
    return { first: Math.min(first, count), end: Math.max(end, Math.min(first, count)) };
}

/**
 * Which row has to stay where it is while the list changes: the one that is worked on where it is in view, else the
 * one under the pointer, else the first in view; null where nobody is at it and new ones may come in from the top.
 */
export function anchorOf(
    ids: readonly string[],
    view: { top: number; height: number; rowHeight: number },
    hands: { selected: string | null; under: string | null; busy: boolean },
): string | null {
    const inView = (id: string | null) => {
        const at = id === null ? -1 : ids.indexOf(id);
        return at >= 0 && (at + 1) * view.rowHeight > view.top && at * view.rowHeight < view.top + view.height;
    };
    if (!hands.busy) return null;
    if (inView(hands.selected)) return hands.selected;
    if (inView(hands.under)) return hands.under;
    return view.top > 0 ? (ids[Math.floor(view.top / view.rowHeight)] ?? null) : null;
}

/** How far to scroll on so that `anchor` stays; where it is gone, the next one that is still there takes its place. */
export function shift(before: readonly string[], after: readonly string[], anchor: string, rowHeight: number): number {
    const was = before.indexOf(anchor);
    if (was < 0) return 0;
    const places = new Map(after.map((id, at) => [id, at]));
    for (let at = was; at < before.length; at++) {
        const is = places.get(before[at] ?? "");
        if (is !== undefined) return (is - was) * rowHeight;
    }
    return 0;
}

/** The least scrolling that brings a row into view. */
export function reveal(at: number, top: number, height: number, rowHeight: number): number {
    const from = at * rowHeight;
    if (from < top) return from;
    return from + rowHeight > top + height ? from + rowHeight - height : top;
}
