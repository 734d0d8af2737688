// Ids that sort by when they were made: what a command is called, so that the same one said twice is one.

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function ulid(
    now: number = Date.now(),
    random: Uint8Array = crypto.getRandomValues(new Uint8Array(16)),
): string {
    let text = "";
    for (let place = 9, rest = now; place >= 0; place--, rest = Math.floor(rest / 32)) {
        text = (DIGITS[rest % 32] ?? "0") + text;
    }
    for (const byte of random.subarray(0, 16)) text += DIGITS[byte % 32] ?? "0";
    return text;
}
