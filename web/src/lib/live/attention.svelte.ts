// What nobody here has looked at yet, and whether it may be heard: sound, and how much of it. Lives as long as the page, whatever part of it is open.

import { SvelteSet } from "svelte/reactivity";

import type { Severity } from "../words";
import { alerts, onAlert, type Alert } from "./news.svelte";
import { dueNow, figure, type Tone } from "./sound";

const KEPT = "cunkou.muted";

/** Alerts that came after the page was opened, until one looks at them or somebody sees to them. */
const unseen = new SvelteSet<string>();

export function isUnseen(id: string): boolean {
    return unseen.has(id);
}

export function unseenAlerts(): Alert[] {
    return [...unseen].map((id) => alerts.get(id)).filter((alert) => alert !== undefined);
}

export function lookAt(id: string): void {
    unseen.delete(id);
}

export function lookAtAll(): void {
    unseen.clear();
}

/** Whether somebody should be called to it: nobody has said that he saw it. */
export function isUnanswered(alert: Alert): boolean {
    return alert.state === "raised" || alert.state === "escalated";
}

/** What is said over and over: critical, ours, and unanswered. */
export function callsOut(alert: Alert): boolean {
    return alert.severity === "critical" && !alert.home && isUnanswered(alert);
}

/** Whether a claim ran out in this change: nobody is at it any more, and that is news. */
export function hasLapsed(alert: Alert, before: Alert): boolean {
    const told = alert.life?.told ?? [];
    return told.length > (before.life?.told.length ?? 0) && told.at(-1)?.why === "lapsed";
}

let muted = $state(localStorage.getItem(KEPT) === "yes");
/** Whether the browser lets us be heard: it does not, until somebody has touched the page. */
let allowed = $state(false);
let context: AudioContext | null = null;

/** `blocked`: the browser wants a click first. */
export function soundState(): "on" | "muted" | "blocked" {
    return muted ? "muted" : allowed ? "on" : "blocked";
}

/** From within a click or a key, else a browser refuses. */
export async function allowSound(): Promise<void> {
    context ??= new AudioContext();
    context.onstatechange = () => (allowed = context?.state === "running");
    // Where it is refused, this is never answered.
    if (context.state !== "running") await context.resume().catch(() => {});
    allowed = context.state === "running";
}

export function setMuted(wanted: boolean): void {
    muted = wanted;
    localStorage.setItem(KEPT, wanted ? "yes" : "no");
    if (wanted) void context?.suspend();
    else void allowSound().then(() => play(figure("info")));
}

function play(tones: Tone[]): void {
    if (!context || context.state !== "running" || muted) return;
    const begin = context.currentTime + 0.02;
    for (const { at, seconds, hertz, loud, wave } of tones) {
        const source = context.createOscillator();
        const level = context.createGain();
        source.type = wave;
        source.frequency.value = hertz;
        level.gain.setValueAtTime(0, begin + at);
        level.gain.linearRampToValueAtTime(loud, begin + at + 0.012);
        level.gain.setValueAtTime(loud, begin + at + seconds - 0.04);
        level.gain.linearRampToValueAtTime(0, begin + at + seconds);
        source.connect(level).connect(context.destination);
        source.start(begin + at);
        source.stop(begin + at + seconds + 0.02);
    }
}

type Told = (alert: Alert) => void;

/** Hears what comes in, and rings, until the returned function is called; `tell` is for what is said in words. */
export function keepWatch(tell: Told): () => void {
    let waiting: Severity[] = [];
    let last: number | null = null;
    const ring = () => {
        const criticalWaits = !muted && [...alerts.values()].some(callsOut);
        const due = dueNow(Date.now(), last, waiting, criticalWaits);
        if (!due) return;
        waiting = [];
        last = Date.now();
        play(figure(due));
    };
    const stop = onAlert((alert, before) => {
        if (!isUnanswered(alert)) {
            unseen.delete(alert.alert_id);
            return;
        }
        if (before && !hasLapsed(alert, before)) return;
        unseen.add(alert.alert_id);
        waiting.push(alert.severity);
        tell(alert);
        ring();
    });
    const beat = setInterval(ring, 500);
    // The button of the bell does it itself.
    const touch = (event: Event) => {
        const atBell = event.target instanceof Element && event.target.closest("[data-bell]");
        if (!muted && !allowed && !atBell) void allowSound();
    };
    addEventListener("pointerdown", touch);
    addEventListener("keydown", touch);
    // Some stations' browsers are set up to let it through at once.
    if (!muted) void allowSound();
    return () => {
        stop();
        clearInterval(beat);
        removeEventListener("pointerdown", touch);
        removeEventListener("keydown", touch);
        unseen.clear();
    };
}
