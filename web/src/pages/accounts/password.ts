// A password to begin with. Pure: random numbers are handed in.

/** Without those that look alike when they are read out or copied from paper. */
const LETTERS = "abcdefghjkmnpqrstuvwxyz23456789";
const GROUPS = 4;
const EACH = 5;

/** `kx7mp-…`: 99 bits in four groups. `random` fills bytes, as `crypto.getRandomValues` does. */
export function suggestPassword(random: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array): string {
    let letters = "";
    // Bytes beyond the last whole multiple would make some letters likelier than others.
    const fair = 256 - (256 % LETTERS.length);
    while (letters.length < GROUPS * EACH)
        for (const byte of random(new Uint8Array(32)))
            if (byte < fair && letters.length < GROUPS * EACH) letters += LETTERS[byte % LETTERS.length];
    return (letters.match(new RegExp(`.{${EACH}}`, "g")) ?? []).join("-");
}
