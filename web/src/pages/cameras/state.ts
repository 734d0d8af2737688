// What a camera is like just now: its state, in order of badness, and what that means for a place that it watches.

import type { Schemas } from "../../lib/api/client";

export type BoardCamera = Schemas["board_camera"];
export type Health = Schemas["camera_health"];

/** Worst first. `unknown`: nothing was heard of it yet. */
export const STATES = ["offline", "degraded", "unknown", "maintenance", "online"] as const;
export type State = (typeof STATES)[number];

/** A camera as it is configured, and as it was last heard of. */
export interface Seen {
    camera: BoardCamera;
    health: Health | null;
    state: State;
}

export function stateOf(camera: Pick<BoardCamera, "maintenance">, health: Health | null | undefined): State {
    if (health) return health.state as State;
    return camera.maintenance ? "maintenance" : "unknown";
}

export function seen(camera: BoardCamera, health: Health | null | undefined): Seen {
    return { camera, health: health ?? null, state: stateOf(camera, health) };
}

/** 0 is the worst. */
export function badness(state: State): number {
    return STATES.indexOf(state);
}

export function worst(states: Iterable<State>): State | null {
    let found: State | null = null;
    for (const state of states) if (found === null || badness(state) < badness(found)) found = state;
    return found;
}

/** Whether it sends pictures, good or bad ones. */
export function streams(state: State): boolean {
    return state === "online" || state === "degraded";
}

/** Whether somebody has to do something about it. */
export function isBroken(state: State): boolean {
    return state === "offline" || state === "degraded";
}

/** Beyond this, times of the camera and of alerts tell different stories. */
export const SKEW_MS_MAX = 2000;

export function isSkewed(health: Health | null): boolean {
    return health?.clock_skew_ms != null && Math.abs(health.clock_skew_ms) > SKEW_MS_MAX;
}

export function countStates(all: Iterable<{ state: State }>): Record<State, number> {
    const counts: Record<State, number> = { offline: 0, degraded: 0, unknown: 0, maintenance: 0, online: 0 };
    for (const { state } of all) counts[state]++;
    return counts;
}
