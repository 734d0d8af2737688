// The wall's keys, and what each of them says in the list of keys.

import type { Binding } from "../../lib/keys.svelte";
import { speak } from "../../lib/language.svelte";
import { verbWords } from "./saying";
import { KEYS, type Verb } from "./verbs";

export interface Strokes {
    move: (by: number, how?: "alone" | "extend") => void;
    page: (by: number) => void;
    end: (by: number) => void;
    fold: (open: boolean) => void;
    stack: () => void;
    open: () => void;
    escape: () => void;
    toggle: () => void;
    step: (by: number) => void;
    newest: () => void;
    seen: () => void;
    verb: (verb: Verb, event: KeyboardEvent) => void;
}

const words = speak(
    {
        next: "下一条",
        previous: "上一条",
        also: "连选",
        page: "翻页",
        first: "第一条",
        last: "最后一条",
        unfold: "展开同一事件",
        fold: "收起同一事件",
        stack: "选中整个事件",
        open: "放大、还原",
        close: "取消、关闭",
        play: "播放、暂停录像",
        back: "后退一帧",
        forward: "前进一帧",
        newest: "去看新告警",
        seen: "新告警都已看过",
    },
    {
        next: "Next",
        previous: "Previous",
        also: "Select more",
        page: "By pages",
        first: "First",
        last: "Last",
        unfold: "Unfold the incident",
        fold: "Fold the incident",
        stack: "Select the whole incident",
        open: "Large, or not",
        close: "Cancel, close",
        play: "Play or pause the clip",
        back: "One picture back",
        forward: "One picture on",
        newest: "To what is new",
        seen: "All that is new was seen",
    },
);

export function bindingsOf(strokes: Strokes): Binding[] {
    const binding = (key: string, what: keyof ReturnType<typeof words>, act: Binding["act"]): Binding => ({
        key,
        says: () => words()[what],
        act,
    });
    return [
        ...(Object.keys(KEYS) as Verb[]).map((verb) => ({
            key: KEYS[verb],
            says: () => verbWords()[verb],
            act: (event: KeyboardEvent) => strokes.verb(verb, event),
        })),
        binding("j", "next", () => strokes.move(1)),
        binding("k", "previous", () => strokes.move(-1)),
        binding("arrowdown", "next", () => strokes.move(1)),
        binding("arrowup", "previous", () => strokes.move(-1)),
        binding("shift+arrowdown", "also", () => strokes.move(1, "extend")),
        binding("shift+arrowup", "also", () => strokes.move(-1, "extend")),
        binding("pagedown", "page", () => strokes.page(1)),
        binding("pageup", "page", () => strokes.page(-1)),
        binding("home", "first", () => strokes.end(-1)),
        binding("end", "last", () => strokes.end(1)),
        binding("arrowright", "unfold", () => strokes.fold(true)),
        binding("arrowleft", "fold", () => strokes.fold(false)),
        binding("i", "stack", strokes.stack),
        binding("t", "newest", strokes.newest),
        binding("x", "seen", strokes.seen),
        binding(" ", "play", strokes.toggle),
        binding(",", "back", () => strokes.step(-1)),
        binding(".", "forward", () => strokes.step(1)),
        binding("enter", "open", strokes.open),
        binding("escape", "close", strokes.escape),
    ];
}
