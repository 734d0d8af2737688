// The station's clock, as questions need it.

import { atStation, hourMinute, isoDay } from "../../lib/time.svelte";
import type { StationClock } from "./question";

export const stationClock: StationClock = { at: atStation, day: isoDay, time: hourMinute };
