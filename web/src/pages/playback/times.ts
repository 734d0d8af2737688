// Times of the time line: the station's clock, and how far it is from UTC.

import { atStation, clockTime, dateTime, day, duration, hourMinute, isoDay } from "../../lib/time.svelte";

export { atStation, clockTime, dateTime, day, duration, hourMinute, isoDay };

/** The station's clock minus UTC at that moment, milliseconds. */
export function stationOffset(at: number): number {
    const whole = Math.floor(at / 1000) * 1000;
    return Date.parse(`${dateTime(whole).replace(" ", "T")}Z`) - whole;
}
