// What was done, in a sentence, of each entry of the audit log. Pure: names and times are handed in.

import { describeQuestion, range, type Speech } from "../search/describe";

/** An entry. `what` is null where there is nothing more to say; `results_count` is how many results there are where not all are told. */
export interface Entry {
    seq: number;
    at: string;
    who: string;
    unit: string;
    purpose: string;
    case: string;
    action: string;
    what: Record<string, unknown> | null;
    results: string[];
    results_count?: number;
}

/** What an action is called, in a choice. As `docs/design/evidence.md` and the server spell them. */
export const ACTIONS: Record<string, { zh: string; en: string }> = {
    search: { zh: "检索", en: "search" },
    view: { zh: "查看", en: "look" },
    export: { zh: "请求导出", en: "export asked for" },
    exported: { zh: "导出完成", en: "exported" },
    "export-failed": { zh: "导出失败", en: "export failed" },
    hold: { zh: "保全", en: "hold" },
    release: { zh: "解除保全", en: "release" },
    delete: { zh: "删除录像", en: "deletion" },
    "clip-asked": { zh: "请求邻站片段", en: "clip asked for" },
    "clip-answered": { zh: "答复邻站", en: "clip answered" },
    "clip-fetched": { zh: "邻站取走片段", en: "clip fetched" },
    "access-refused": { zh: "越权被拒", en: "access refused" },
    "signed-in": { zh: "登录", en: "sign-in" },
    "sign-in-failed": { zh: "登录失败", en: "failed sign-in" },
    "signed-out": { zh: "退出", en: "sign-out" },
    "account-made": { zh: "新建账户", en: "account made" },
    "account-changed": { zh: "修改账户", en: "account changed" },
    "account-removed": { zh: "删除账户", en: "account removed" },
    configured: { zh: "修改配置", en: "configuration changed" },
    "key-made": { zh: "生成密钥", en: "key made" },
    "key-rotate": { zh: "请求更换密钥", en: "new key asked for" },
    "key-rotated": { zh: "密钥已更换", en: "key rotated" },
    "log-repaired": { zh: "日志修复", en: "log repaired" },
};

/** What there is to look through by chance: somebody saw people, or was given recordings of them. */
export const DRAWN = ["search", "view", "export"] as const;

export interface AuditSpeech extends Omit<Speech, "word"> {
    word: (table: "CLASS" | "DIRECTION" | "LEVEL" | "KIND" | "ROLE" | "PERMISSION", key: string) => string;
}

const SHOWN: Record<string, [string, string]> = {
    thumbnail: ["缩略图", "a thumbnail"],
    sheet: ["多帧缩略图", "a sheet of pictures"],
    playback: ["录像回放", "the recording"],
    video: ["录像文件", "the film as a file"],
    live: ["实时画面", "the live picture"],
    still: ["静态画面", "a still picture"],
    picture: ["最近画面", "the last picture"],
};
const CHANGED: Record<string, [string, string]> = {
    name: ["姓名", "name"],
    unit: ["单位", "unit"],
    role: ["角色", "role"],
    also: ["附加权限", "permissions"],
    scope: ["范围", "scope"],
    disabled: ["停用", "disabled"],
    language: ["语言", "language"],
    password: ["密码", "password"],
};

const text = (value: unknown): string =>
    typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value);

/** How many were found, shown or given. */
export function countOf(entry: Entry): number {
    return entry.results_count ?? entry.results.length;
}

/** The sentence, without who did it. What is not known yet is told as it stands. */
export function sentenceOf(entry: Entry, speech: AuditSpeech): string {
    const zh = speech.language === "zh";
    const say = (chinese: string, english: string) => (zh ? chinese : english);
    const { action } = entry;
    const what = entry.what ?? {};
    const at = (name: string) => (text(what[name]) ? speech.moment(text(what[name])) : "");
    const camera = text(what["camera"]) ? speech.camera(text(what["camera"])) : "";
    const scene = [camera, at("from") && range(at("from"), at("to"), zh)].filter(Boolean).join(say(" ", ", "));
    const login = text(what["login"]);
    const station = text(what["station"]);
    const named = (value: unknown, table: typeof CHANGED) => {
        const key = text(value);
        return table[key]?.[zh ? 0 : 1] ?? key;
    };
    switch (action) {
        case "search": {
            const question = Array.isArray(what["question"]) ? (what["question"] as [string, string][]) : [];
            const asked = question.filter(([name]) => !["order", "limit", "after"].includes(name));
            const further = question.some(([name]) => name === "after");
            const words = describeQuestion(asked, speech as Speech);
            const n = countOf(entry);
            return say(
                `检索：${words}${further ? "（后续页）" : ""}，找到 ${n} 条`,
                `searched for: ${words}${further ? " (further page)" : ""}; ${n} found`,
            );
        }
        case "view": {
            const pack = text(what["pack"]);
            if (pack) return say(`查看证据包 ${pack}`, `looked at the pack ${pack}`);
            const shown = named(what["shown"], SHOWN) || say("录像", "a recording");
            return say(`查看${shown}：${scene}`, `looked at ${shown}: ${scene}`);
        }
        case "export":
            return say(`请求导出：${scene}`, `asked for an export: ${scene}`);
        case "exported":
            return say(`导出完成：${scene || text(what["pack"])}`, `exported: ${scene || text(what["pack"])}`);
        case "export-failed":
            return say(`导出失败：${scene}，${text(what["why"])}`, `export failed: ${scene}, ${text(what["why"])}`);
        case "hold":
            return say(`保全录像：${scene}`, `held recordings: ${scene}`);
        case "release":
            return say(`解除保全 ${text(what["hold"])}`, `released the hold ${text(what["hold"])}`);
        case "delete":
            return say(`删除录像：${scene}`, `deleted recordings: ${scene}`);
        case "clip-asked":
            return say(
                `向邻站 ${station} 请求告警 ${text(what["alert"])} 的片段`,
                `asked ${station} for the clip of alert ${text(what["alert"])}`,
            );
        case "clip-answered": {
            const granted = what["grant"] === true;
            const whom = (what["for"] ?? {}) as { who?: string; unit?: string };
            const why = text(what["why"]);
            return say(
                `${granted ? "同意" : "拒绝"}邻站 ${station}（${whom.unit ?? ""} ${whom.who ?? ""}）的请求${why ? `：${why}` : ""}`,
                `${granted ? "granted" : "refused"} the request of ${station} (${whom.who ?? ""}, ${whom.unit ?? ""})${why ? `: ${why}` : ""}`,
            );
        }
        case "clip-fetched":
            return say(`邻站 ${station} 取走录像：${scene}`, `${station} fetched the film: ${scene}`);
        case "access-refused": {
            const permission = text(what["permission"]);
            const needs = permission ? speech.word("PERMISSION", permission) : "";
            return say(
                `越权访问被拒：${text(what["path"])}${needs ? `（需要“${needs}”）` : ""}`,
                `was refused ${text(what["path"])}${needs ? ` (needs "${needs}")` : ""}`,
            );
        }
        case "signed-in":
            return say(`登录（${login}${address(what, zh)}）`, `signed in (${login}${address(what, zh)})`);
        case "sign-in-failed":
            return say(
                `登录失败（${login || "未知账号"}${address(what, zh)}）`,
                `a sign-in failed (${login || "unknown login"}${address(what, zh)})`,
            );
        case "signed-out":
            return say(`退出（${login}）`, `signed out (${login})`);
        case "account-made": {
            const role = text(what["role"]) && speech.word("ROLE", text(what["role"]));
            return say(
                `新建账户 ${login}${role ? `（${role}）` : ""}`,
                `made the account ${login}${role ? ` (${role})` : ""}`,
            );
        }
        case "account-changed": {
            const changed = Array.isArray(what["changed"]) ? what["changed"].map((it) => named(it, CHANGED)) : [];
            return say(
                `修改账户 ${login}${changed.length > 0 ? `：${changed.join("、")}` : ""}`,
                `changed the account ${login}${changed.length > 0 ? `: ${changed.join(", ")}` : ""}`,
            );
        }
        case "account-removed":
            return say(`删除账户 ${login}`, `removed the account ${login}`);
        case "configured":
            return say(`修改配置：${camera}`, `changed the configuration: ${camera}`);
        case "key-made":
            return say(`生成派出所密钥 ${text(what["key"])}`, `the station's key ${text(what["key"])} was made`);
        case "key-rotate":
            return say("请求更换派出所密钥", "asked for a new key");
        case "key-rotated":
            return say("派出所密钥已更换", "the station's key was rotated");
        case "log-repaired":
            return say("断电造成的残缺末行已移出日志", "the log's torn last line was moved aside");
        default:
            return entry.what === null ? action : `${action} ${JSON.stringify(what)}`;
    }
}

function address(what: Record<string, unknown>, zh: boolean): string {
    const from = text(what["address"] ?? what["from"]);
    return from ? (zh ? `，${from}` : `, ${from}`) : "";
}

/** One line of the list: an entry, or several small looks in a row by the same person for the same case. */
export interface Line {
    entry: Entry;
    /** Pictures that were looked at in a row, this one included. */
    looks: number;
}

const SMALL = new Set(["thumbnail", "sheet"]);

/** Brings thumbnails that were looked at in a row together: a page of a search shows a hundred. Newest first, as they came. */
export function inLines(entries: readonly Entry[]): Line[] {
    const lines: Line[] = [];
    for (const entry of entries) {
        const last = lines.at(-1);
        if (last && isSmall(entry) && isSmall(last.entry) && sameHand(entry, last.entry)) last.looks += 1;
        else lines.push({ entry, looks: 1 });
    }
    return lines;
}

function isSmall(entry: Entry): boolean {
    return entry.action === "view" && SMALL.has(text(entry.what?.["shown"]));
}

function sameHand(a: Entry, b: Entry): boolean {
    return a.who === b.who && a.unit === b.unit && a.case === b.case && a.purpose === b.purpose;
}

/** A table for a spreadsheet: what would be read as a formula is text. */
export function asCsv(rows: readonly (readonly string[])[]): string {
    const cell = (value: string) => `"${(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value).replaceAll('"', '""')}"`;
    // The mark in front tells a spreadsheet that it is UTF-8.
    return `\u{feff}${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}
