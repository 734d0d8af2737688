// Who may what: the table of docs/design/console.md, in plain words. Pure.

import type { Schemas } from "../../lib/api/client";
import type { Name } from "../../lib/language.svelte";

export type Permission = Schemas["permission"];
export type Role = Schemas["role"];

export const PERMISSIONS: Permission[] = [
    "alerts",
    "answer",
    "live",
    "playback",
    "search",
    "export",
    "health",
    "configure",
    "approve",
    "audit",
    "accounts",
];
export const ROLES: Role[] = ["operator", "maintainer", "investigator", "supervisor", "administrator"];

const ALLOWED: Record<Role, readonly Permission[]> = {
    operator: ["alerts", "answer", "live", "health"],
    maintainer: ["health", "configure"],
    investigator: ["alerts", "live", "playback", "search", "export", "health"],
    supervisor: ["alerts", "answer", "live", "playback", "search", "health", "approve", "audit"],
    administrator: PERMISSIONS,
};

export function allows(role: Role, permission: Permission): boolean {
    return ALLOWED[role].includes(permission);
}

/** What a role with these beside it may do, in the order of the table. */
export function mayDo(role: Role, also: readonly Permission[]): Permission[] {
    return PERMISSIONS.filter((permission) => allows(role, permission) || also.includes(permission));
}

/** Whether people are seen by it. */
export function showsPeople(permission: Permission): boolean {
    return ["alerts", "live", "playback", "search", "export"].includes(permission);
}

/** What each allows. */
export const EXPLAINED: Record<Permission, Name> = {
    alerts: { zh: "查看告警、告警图片和告警自身的片段", en: "See alerts, their pictures and their own clips" },
    answer: { zh: "确认、接警、处置、排除告警", en: "Acknowledge, claim, resolve and dismiss alerts" },
    live: { zh: "观看实时画面", en: "Watch live pictures" },
    playback: {
        zh: "回放任意时间的录像（须填用途与案号）",
        en: "Play recordings of any time, for a purpose and a case",
    },
    search: {
        zh: "检索经过的人和车，向邻站请求片段（须填用途与案号）",
        en: "Search for who passed, ask neighbours for clips, for a purpose and a case",
    },
    export: { zh: "导出证据、下载录像、保全录像", en: "Export evidence, download films, hold recordings" },
    health: { zh: "查看摄像机与设备状态、地图、报表", en: "See the state of cameras and devices, the map, the report" },
    configure: { zh: "绘制区域、警戒线、遮挡，修改规则", en: "Draw zones, lines and masks, change rules" },
    approve: { zh: "答复邻站的片段请求", en: "Answer neighbours who ask for clips" },
    audit: { zh: "查看审计日志、随机抽查", en: "Read the audit log, and draw from it at random" },
    accounts: { zh: "管理账户", en: "Manage accounts" },
};

/** What a role is for. */
export const PURPOSE: Record<Role, Name> = {
    operator: { zh: "值守，两秒内判断告警", en: "Watches the wall and answers alerts" },
    maintainer: { zh: "维护摄像机和规则，不看人", en: "Keeps cameras and rules going; sees no people" },
    investigator: { zh: "为案件查找录像", en: "Looks for what happened, for a case" },
    supervisor: { zh: "对值守、协查和审计负责", en: "Answers for the shift, for requests and for the log" },
    administrator: { zh: "全部权限", en: "May do everything" },
};
