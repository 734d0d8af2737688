import { describe, expect, it } from "vitest";

import { describeQuestion } from "../search/describe";
import { ACTIONS, asCsv, countOf, inLines, sentenceOf, type AuditSpeech, type Entry } from "./sentences";

const speech = (language: "zh" | "en"): AuditSpeech => ({
    language,
    word: (_, key) => key.toUpperCase(),
    camera: (id) => `camera ${id}`,
    gate: (id) => `gate ${id}`,
    village: (id) => `village ${id}`,
    moment: (text) => text.slice(0, 16),
});
const entry = (
    action: string,
    what: Entry["what"] = {},
    results: string[] = [],
    change: Partial<Entry> = {},
): Entry => ({
    seq: 1,
    at: "2026-03-09T18:04:05Z",
    who: "李",
    unit: "柳庄",
    purpose: "寻人",
    case: "A-1",
    action,
    what,
    results,
    ...change,
});
const both = (given: Entry) => [sentenceOf(given, speech("zh")), sentenceOf(given, speech("en"))];

describe("a sentence", () => {
    it("says what was searched, and what was found", () => {
        const question = [
            ["village", "upper"],
            ["from", "2026-03-09"],
            ["to", "2026-03-09"],
            ["class", "car,truck"],
            ["light", "night"],
            ["order", "newest"],
            ["limit", "100"],
        ];
        expect(both(entry("search", { question }, ["a", "b"]))).toEqual([
            "检索：village upper；2026-03-09；CAR、TRUCK；夜间，找到 2 条",
            "searched for: village upper; 2026-03-09; CAR, TRUCK; at night; 2 found",
        ]);
        expect(both(entry("search", { question: [["after", "x"]] }, [], { results_count: 70 }))).toEqual([
            "检索：所有记录（后续页），找到 70 条",
            "searched for: everything on record (further page); 70 found",
        ]);
    });
    it("says what was looked at, where and when", () => {
        const what = { camera: "north", from: "2026-03-09T18:04:05Z", to: "2026-03-09T18:05:05Z", shown: "playback" };
        expect(both(entry("view", what))).toEqual([
            "查看录像回放：camera north 2026-03-09T18:04 至 18:05",
            "looked at the recording: camera north, 2026-03-09T18:04 to 18:05",
        ]);
        expect(sentenceOf(entry("view", { camera: "north", stream: "main", shown: "live" }), speech("en"))).toBe(
            "looked at the live picture: camera north",
        );
    });
    it("says who was answered, and what", () => {
        const what = { alert: "A", station: "riverside", for: { who: "孙", unit: "河西" }, grant: false, why: "无关" };
        expect(both(entry("clip-answered", what))).toEqual([
            "拒绝邻站 riverside（河西 孙）的请求：无关",
            "refused the request of riverside (孙, 河西): 无关",
        ]);
    });
    it("there is one for every action, in both languages, without holes", () => {
        for (const action of Object.keys(ACTIONS))
            for (const sentence of [...both(entry(action)), ...both(entry(action, null))]) {
                expect(sentence, action).not.toMatch(/undefined|null|NaN|\{\}/);
                expect(sentence.length, action).toBeGreaterThan(1);
            }
    });
    it("shows what it does not know as it stands", () => {
        expect(sentenceOf(entry("something-new", { a: 1 }), speech("zh"))).toBe('something-new {"a":1}');
        expect(sentenceOf(entry("search", { question: "torn" }), speech("en"))).toContain("everything");
    });
    it("account changes name what was changed", () => {
        const what = { login: "li", changed: ["role", "password"] };
        expect(both(entry("account-changed", what))).toEqual([
            "修改账户 li：角色、密码",
            "changed the account li: role, password",
        ]);
    });
});

describe("a question in words", () => {
    it("has each member", () => {
        const words = describeQuestion(
            Object.entries({
                entry_point: "north",
                camera: "n-1",
                level: "ring",
                from: "2026-03-09T10:00:00Z",
                day: "mon,tue",
                time_of_day: "22:00-05:00",
                direction: "out",
                kind: "dwell",
                confidence_min: "0.6",
            }),
            speech("en") as never,
        );
        expect(words).toBe(
            "gate north, camera n-1; RING; from 2026-03-09T10:00; Monday, Tuesday; 22:00–05:00; OUT; DWELL; at least 60% sure",
        );
    });
});

describe("lines", () => {
    const look = (seq: number, shown: string, change: Partial<Entry> = {}) =>
        entry("view", { shown }, [], { seq, ...change });
    it("bring small looks in a row together, of one person and case", () => {
        const lines = inLines([
            look(9, "thumbnail"),
            look(8, "sheet"),
            look(7, "thumbnail", { who: "王" }),
            look(6, "playback", { who: "王" }),
            look(5, "thumbnail", { who: "王" }),
            entry("search", {}, [], { seq: 4 }),
        ]);
        expect(lines.map(({ entry, looks }) => [entry.seq, looks])).toEqual([
            [9, 2],
            [7, 1],
            [6, 1],
            [5, 1],
            [4, 1],
        ]);
    });
    it("count what is told of results", () => {
        expect(countOf(entry("search", {}, ["a"]))).toBe(1);
        expect(countOf(entry("search", {}, ["a"], { results_count: 9 }))).toBe(9);
    });
});

describe("a table", () => {
    it("is text, whatever stands in it", () => {
        expect(
            asCsv([
                ["a", '=1+1"'],
                ["-x", "王，李"],
            ]),
        ).toBe('\u{feff}"a","\'=1+1"""\r\n"\'-x","王，李"\r\n');
    });
});
