// Which cards of a long grid are drawn, and where. Pure.

/** Pixels, but for the counts. */
export interface Measures {
    width: number;
    height: number;
    scrolled: number;
    count: number;
    /** A card is at least as wide. */
    cardMin: number;
    gap: number;
    /** What a card has below its picture of 16 by 9. */
    below: number;
}

export interface Window {
    columns: number;
    /** Height of a card, and of a row with the gap behind it. */
    card: number;
    row: number;
    /** The first card that is drawn, and the first that is not any more. */
    first: number;
    last: number;
    /** Where the first row that is drawn begins, and how high all rows are. */
    top: number;
    total: number;
}

/** Rows that are drawn before and behind what is seen. */
const AROUND = 2;

export function windowOf({ width, height, scrolled, count, cardMin, gap, below }: Measures): Window {
    const columns = Math.max(1, Math.floor((width + gap) / (cardMin + gap)));
    const cardWidth = Math.max(0, (width - gap * (columns - 1)) / columns);
    const card = Math.round((cardWidth * 9) / 16) + below;
    const row = card + gap;
    const rows = Math.ceil(count / columns);
    const firstRow = Math.min(Math.max(0, rows - 1), Math.max(0, Math.floor(scrolled / row) - AROUND));
    const lastRow = Math.min(rows, Math.ceil((scrolled + height) / row) + AROUND);
    return {
        columns,
        card,
        row,
        first: firstRow * columns,
        last: Math.min(count, lastRow * columns),
        top: firstRow * row,
        total: Math.max(0, rows * row - gap),
    };
}

/** Where one has to scroll so that this card is seen whole; `null` where it is already. */
export function scrollTo(nth: number, window: Window, scrolled: number, height: number): number | null {
    const top = Math.floor(nth / window.columns) * window.row;
    if (top < scrolled) return top;
    const bottom = top + window.card;
    return bottom > scrolled + height ? bottom - height : null;
}

/** The card to which a key leads; `null` for other keys. */
export function step(key: string, nth: number, columns: number, count: number): number | null {
    const moves: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    if (key === "Home") return 0;
    if (key === "End") return count - 1;
    const move = moves[key];
    if (move === undefined) return null;
    const to = nth + move;
    // Down from the last row but one leads to the last card.
    if (key === "ArrowDown" && to >= count && Math.floor(nth / columns) < Math.floor((count - 1) / columns))
        return count - 1;
    return to < 0 || to >= count ? nth : to;
}
