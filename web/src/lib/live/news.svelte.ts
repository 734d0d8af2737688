// What happens, as it happens: one EventSource for the whole page.
//
// Begins to listen, then reads everything; reads everything anew after `resync` and after a lost connection. What comes twice is the same by id.

import { SvelteMap } from "svelte/reactivity";

import { api, ask, type Schemas } from "../api/client";

export type Alert = Schemas["alert"];
export type Camera = Schemas["camera_view"];
export type Health = Schemas["camera_health"];

/** Alerts whose life goes on. */
export const OPEN_STATES = ["raised", "acknowledged", "claimed", "escalated"] as const;

export function isOpen(alert: Alert): boolean {
    return (OPEN_STATES as readonly string[]).includes(alert.state);
}

/** Closed alerts that are kept; then the oldest go. */
const CLOSED_MAX = 300;
const PAGE = 1000;

type Line = "connecting" | "live" | "lost";

export const alerts = new SvelteMap<string, Alert>();
export const cameras = new SvelteMap<string, Camera>();

let line = $state<Line>("connecting");
/** Unix milliseconds; null while news comes in. */
let lostSince = $state<number | null>(null);
let brokerConnected = $state(true);
let storeTrouble = $state<string | null>(null);

export function newsLine(): Line {
    return line;
}
/** Since when what is shown is not what is: unix milliseconds, or null. */
export function newsLostSince(): number | null {
    return lostSince;
}
export function isBrokerConnected(): boolean {
    return brokerConnected;
}
export function whyStoreIsStuck(): string | null {
    return storeTrouble;
}

type Hear = (alert: Alert, before: Alert | undefined) => void;
const hearers = new Set<Hear>();

/** Told of each alert that comes in or changes after the page was opened (sound, focus). Returns how to stop. */
export function onAlert(hear: Hear): () => void {
    hearers.add(hear);
    return () => hearers.delete(hear);
}

function takeAlert(alert: Alert): Alert | undefined {
    const before = alerts.get(alert.alert_id);
    alerts.set(alert.alert_id, alert);
    return before;
}

/** Says that nothing came in since then, where that was noticed otherwise. */
export function loseSince(since: number): void {
    line = "lost";
    lostSince ??= since;
}

function forgetOldest(): void {
    const closed = [...alerts.values()].filter((alert) => !isOpen(alert));
    if (closed.length <= CLOSED_MAX) return;
    closed.sort((a, b) => (a.alert_id < b.alert_id ? -1 : 1));
    for (const alert of closed.slice(0, closed.length - CLOSED_MAX)) alerts.delete(alert.alert_id);
}

/** Alerts that we heard of while everything is read: what we heard is newer. */
let heardMeanwhile: Set<string> | null = null;

async function readEverything(mayAlerts: boolean): Promise<void> {
    const heard = new Set<string>();
    heardMeanwhile = heard;
    const state = await ask(api.GET("/api/state"));
    brokerConnected = state.broker_connected;
    storeTrouble = state.store_trouble;
    const known = new Set(state.cameras.map((camera) => camera.id));
    for (const id of cameras.keys()) if (!known.has(id)) cameras.delete(id);
    for (const camera of state.cameras) cameras.set(camera.id, camera);
    if (!mayAlerts) return;
    const open = await ask(api.GET("/api/v1/alerts", { params: { query: { state: [...OPEN_STATES], limit: PAGE } } }));
    const listed = new Map<string, Alert>();
    for (const alert of [...state.alerts, ...open.alerts]) listed.set(alert.alert_id, alert);
    const missed = line === "connecting" ? [] : [...listed.values()].filter((alert) => !alerts.has(alert.alert_id));
    for (const alert of listed.values()) if (!heard.has(alert.alert_id)) takeAlert(alert);
    // What came while we did not hear is news all the same, oldest first.
    for (const alert of missed.reverse()) for (const hear of hearers) hear(alert, undefined);
    // What we held as open and is not listed any more was closed while we did not listen.
    for (const alert of alerts.values())
        if (isOpen(alert) && !listed.has(alert.alert_id) && !heard.has(alert.alert_id)) alerts.delete(alert.alert_id);
    heardMeanwhile = null;
    forgetOldest();
}

let source: EventSource | null = null;
let withAlerts = false;

/** Listens until [`stopListening`]. */
export function listen(mayAlerts: boolean): void {
    stopListening();
    open(mayAlerts);
}

/** Listens on a line of its own, and reads everything; what is known stays in view until then. */
export function listenAnew(): void {
    if (source) open(withAlerts);
}

function open(mayAlerts: boolean): void {
    source?.close();
    withAlerts = mayAlerts;
    const events = new EventSource("/api/events");
    source = events;
    let reading: Promise<void> | null = null;
    const readAnew = () => {
        reading ??= readEverything(mayAlerts)
            .then(() => {
                line = "live";
                lostSince = null;
            })
            .catch(() => {
                loseSince(Date.now());
                setTimeout(() => source === events && readAnew(), 2000);
            })
            .finally(() => {
                reading = null;
            });
    };
    events.onopen = readAnew;
    events.onerror = () => {
        loseSince(Date.now());
        // A browser gives up for good where it was refused. What is known stays in view meanwhile.
        if (events.readyState === EventSource.CLOSED) setTimeout(() => source === events && open(mayAlerts), 3000);
    };
    const on = (name: string, take: (data: string) => void) =>
        events.addEventListener(name, (event) => take((event as MessageEvent<string>).data));
    on("alert", (data) => {
        const alert = JSON.parse(data) as Alert;
        const before = takeAlert(alert);
        heardMeanwhile?.add(alert.alert_id);
        for (const hear of hearers) hear(alert, before);
        forgetOldest();
    });
    on("camera", (data) => {
        const health = JSON.parse(data) as Health;
        const camera = cameras.get(health.camera);
        if (camera) cameras.set(camera.id, { ...camera, health });
    });
    on("broker", (data) => {
        brokerConnected = JSON.parse(data) as boolean;
    });
    on("store", (data) => {
        storeTrouble = JSON.parse(data) as string | null;
    });
    on("resync", readAnew);
}

export function stopListening(): void {
    source?.close();
    source = null;
    line = "connecting";
    lostSince = null;
    alerts.clear();
    cameras.clear();
}
