// Every page: who may open it, its name, and where its code is. Each is a file of its own, fetched when it is first opened.

import type { Component } from "svelte";

import type { Name } from "./language.svelte";
import type { Permission } from "./session.svelte";

export interface Page {
    id: string;
    name: Name;
    /** Name of its sign in components/Icon.svelte. */
    icon: string;
    permission: Permission;
    /** Another one that opens it too. */
    or?: Permission;
    load: () => Promise<{ default: Component }>;
}

export const PAGES: Page[] = [
    {
        id: "wall",
        name: { zh: "告警", en: "Alerts" },
        icon: "bell",
        permission: "alerts",
        load: () => import("../pages/wall/Wall.svelte"),
    },
    {
        id: "live",
        name: { zh: "实时", en: "Live" },
        icon: "grid",
        permission: "live",
        load: () => import("../pages/live/Live.svelte"),
    },
    {
        id: "playback",
        name: { zh: "回放", en: "Playback" },
        icon: "rewind",
        permission: "playback",
        load: () => import("../pages/playback/Playback.svelte"),
    },
    {
        id: "search",
        name: { zh: "检索", en: "Search" },
        icon: "search",
        permission: "search",
        load: () => import("../pages/search/Search.svelte"),
    },
    {
        id: "map",
        name: { zh: "地图", en: "Map" },
        icon: "map",
        permission: "health",
        load: () => import("../pages/map/Map.svelte"),
    },
    {
        id: "cameras",
        name: { zh: "摄像机", en: "Cameras" },
        icon: "camera",
        permission: "health",
        load: () => import("../pages/cameras/Cameras.svelte"),
    },
    {
        id: "zones",
        name: { zh: "区域", en: "Zones" },
        icon: "polygon",
        permission: "configure",
        load: () => import("../pages/zones/Zones.svelte"),
    },
    {
        id: "requests",
        name: { zh: "协查", en: "Requests" },
        icon: "handshake",
        permission: "approve",
        or: "search",
        load: () => import("../pages/requests/Requests.svelte"),
    },
    {
        id: "audit",
        name: { zh: "审计", en: "Audit" },
        icon: "ledger",
        permission: "audit",
        load: () => import("../pages/audit/Audit.svelte"),
    },
    {
        id: "accounts",
        name: { zh: "账户", en: "Accounts" },
        icon: "people",
        permission: "accounts",
        load: () => import("../pages/accounts/Accounts.svelte"),
    },
];
