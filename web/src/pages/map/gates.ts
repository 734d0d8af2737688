// How each gate stands: whether anything watches it, and what is raised there.

import { streams, worst, type State } from "../cameras/state";
import type { DrawnGate, Level } from "./layout";

/** `whole`: every camera of it streams; `partly`: some do; `blind`: none does; `bare`: it has none. */
export type Watch = "whole" | "partly" | "blind" | "bare";

/** What of an alert matters here. */
export interface Raised {
    alert_id: string;
    severity: string;
    state: string;
    camera: { id: string };
    cameras?: string[];
    home?: string;
    occurred_at: string;
}

export interface Standing<A extends Raised = Raised> {
    watch: Watch;
    streaming: number;
    declared: number;
    /** The worst of its cameras; `null` where it has none. */
    state: State | null;
    /** Open ones, worst and then newest first. */
    alerts: A[];
    severity: string | null;
    /** Whether one of them waits for somebody: it is what pulses. */
    unanswered: boolean;
}

/** Out of service on purpose is no trouble, but nobody watches then either. */
export function watchOf(states: readonly State[]): Watch {
    if (states.length === 0) return "bare";
    const streaming = states.filter(streams).length;
    return streaming === 0 ? "blind" : streaming === states.length ? "whole" : "partly";
}

const SEVERITIES = ["info", "warning", "major", "critical"];

/** Higher is worse. */
export function rank(severity: string): number {
    return SEVERITIES.indexOf(severity);
}

const WAITS = ["raised", "escalated"];

/** For every gate by its id. A neighbour's alert belongs to none of ours, though its camera may have the same id. */
export function standings<A extends Raised>(
    gates: readonly DrawnGate[],
    stateOf: (camera: string) => State,
    open: Iterable<A>,
): Map<string, Standing<A>> {
    const byCamera = new Map<string, A[]>();
    for (const alert of open) {
        if (alert.home) continue;
        for (const camera of new Set([alert.camera.id, ...(alert.cameras ?? [])])) {
            const there = byCamera.get(camera);
            if (there) there.push(alert);
            else byCamera.set(camera, [alert]);
        }
    }
    return new Map(
        gates.map((gate) => {
            const states = gate.cameras.map(({ id }) => stateOf(id));
            const alerts = [...new Set(gate.cameras.flatMap(({ id }) => byCamera.get(id) ?? []))];
            alerts.sort((a, b) => rank(b.severity) - rank(a.severity) || (a.occurred_at < b.occurred_at ? 1 : -1));
            return [
                gate.id,
                {
                    watch: watchOf(states),
                    streaming: states.filter(streams).length,
                    declared: states.length,
                    state: worst(states),
                    alerts,
                    severity: alerts[0]?.severity ?? null,
                    unanswered: alerts.some(({ state }) => WAITS.includes(state)),
                },
            ];
        }),
    );
}

export interface Summary {
    gates: number;
    whole: number;
    partly: number;
    blind: number;
    bare: number;
    streaming: number;
    declared: number;
    alerts: number;
}

export function sumUp(all: Iterable<Standing>): Summary {
    const sum: Summary = { gates: 0, whole: 0, partly: 0, blind: 0, bare: 0, streaming: 0, declared: 0, alerts: 0 };
    const alerts = new Set<string>();
    for (const one of all) {
        sum.gates++;
        sum[one.watch]++;
        sum.streaming += one.streaming;
        sum.declared += one.declared;
        for (const { alert_id } of one.alerts) alerts.add(alert_id);
    }
    sum.alerts = alerts.size;
    return sum;
}

/** By severity; what somebody has answered asks for less. */
const WAITING = [16, 30, 45, 60];
const ANSWERED = [15, 20, 25, 30];
const SIGHT: Record<Watch, number> = { blind: 35, bare: 25, partly: 20, whole: 0 };

/** From this on a gate is one that asks for attention. */
export const URGENT = 15;

/** How much a gate asks for attention: what is drawn big, named first and listed first. A blind gate comes before a warning, and after what is worse. */
export function urgency({ watch, severity, unanswered, state }: Standing, level: Level): number {
    const alarm = severity === null ? 0 : ((unanswered ? WAITING : ANSWERED)[rank(severity)] ?? 0);
    const sight = watch === "whole" && state === "degraded" ? 10 : SIGHT[watch];
    return Math.max(alarm, sight) + Math.min(alarm, sight) / 10 + { ring: 0.9, block: 0.6, line: 0.3, point: 0 }[level];
}

/** How a gate is coloured and marked. A gate that is out of service on purpose is not red, but it is not watched either. */
export type Tone = "blind" | "partly" | "degraded" | "bare" | "unknown" | "maintenance" | "online";

export function toneOf({ watch, state }: Standing): Tone {
    if (watch === "bare") return "bare";
    if (watch === "partly") return "partly";
    if (watch === "blind") return state === "maintenance" || state === "unknown" ? state : "blind";
    return state === "degraded" ? "degraded" : "online";
}
