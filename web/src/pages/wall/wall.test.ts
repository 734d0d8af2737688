import { describe, expect, it, vi } from "vitest";

vi.mock("../../lib/language.svelte", () => ({ currentLanguage: () => "zh" }));
vi.mock("../../lib/live/news.svelte", () => ({
    isOpen: ({ state }: { state: string }) => ["raised", "acknowledged", "claimed", "escalated"].includes(state),
    onAlert: () => () => {},
}));

import type { Alert } from "../../lib/live/news.svelte";
import { clockOf, share, urgency } from "./clock";
import { beginOf } from "./film";
import { historyOf, postsTold } from "./history";
import { doneByAnother } from "./marks.svelte";
import { eachAlone, isFiltered, isMine, neighbour, NO_FILTER, passes, rowsOf, stacksOf } from "./order";
import { at, claimedBy, LI, sample, WANG } from "./sample";
import { hindrance, reasonOf, REASONS, targets, whoWasFirst } from "./verbs";
import { anchorOf, reveal, shift, spanOf } from "./window";

const ids = (alerts: { alert_id: string }[]) => alerts.map((alert) => alert.alert_id);
const incident = { id: "B", lead: "B" };

describe("order", () => {
    it("has the most severe first, and the newest first among equals", () => {
        const stacks = stacksOf([
            sample("A", 1),
            sample("B", 2, { severity: "critical" }),
            sample("C", 3),
            sample("D", 4, { severity: "info" }),
            sample("E", 1, { severity: "critical" }),
        ]);
        expect(stacks.map((stack) => stack.id)).toEqual(["B", "E", "C", "A", "D"]);
    });

    it("puts an incident where the alert that leads it stands, whatever joins it", () => {
        const alone = [sample("A", 1), sample("B", 2), sample("C", 3)];
        const joined = [
            sample("A", 1),
            sample("B", 2, { incident }),
            sample("C", 3),
            sample("D", 9, { incident }),
            sample("E", 8, { incident }),
        ];
        expect(stacksOf(alone).map((stack) => stack.id)).toEqual(["C", "B", "A"]);
        const stacks = stacksOf(joined);
        expect(stacks.map((stack) => stack.id)).toEqual(["C", "B", "A"]);
        expect(stacks[1]?.head.alert_id).toBe("B");
        expect(ids(stacks[1]?.others ?? [])).toEqual(["D", "E"]);
    });

    it("lifts an incident by its worst", () => {
        const stacks = stacksOf([
            sample("B", 2, { incident }),
            sample("C", 3, { severity: "major" }),
            sample("D", 9, { incident, severity: "critical" }),
        ]);
        expect(stacks.map(({ id, severity }) => [id, severity])).toEqual([
            ["B", "critical"],
            ["C", "major"],
        ]);
    });

    it("takes the oldest for the head where the one that leads is not listed", () => {
        const [stack] = stacksOf([sample("D", 9, { incident }), sample("E", 8, { incident })]);
        expect(stack?.head.alert_id).toBe("E");
    });

    it("shows what lies in a stack only where it is unfolded", () => {
        const stacks = stacksOf([sample("B", 2, { incident }), sample("D", 9, { incident }), sample("A", 1)]);
        expect(rowsOf(stacks, new Set()).map(({ id, place }) => [id, place])).toEqual([
            ["B", "folded"],
            ["A", "alone"],
        ]);
        expect(rowsOf(stacks, new Set(["B"])).map(({ id, place }) => [id, place])).toEqual([
            ["B", "lead"],
            ["D", "inside"],
            ["A", "alone"],
        ]);
    });

    it("goes on to the next row that stays, else to the one before", () => {
        const rows = rowsOf(eachAlone([sample("C", 3), sample("B", 2), sample("A", 1)]), new Set());
        expect(neighbour(rows, new Set(["C"]), "C")).toBe("B");
        expect(neighbour(rows, new Set(["C", "B"]), "C")).toBe("A");
        expect(neighbour(rows, new Set(["A"]), "A")).toBe("B");
        expect(neighbour(rows, new Set(["A", "B", "C"]), "A")).toBeNull();
    });
});

describe("filter", () => {
    const mine = sample("A", 1, claimedBy(LI, 1));
    const theirs = sample("B", 1, { home: "riverside", severity: "critical" });

    it("lets everything pass that it does not speak of", () => {
        expect(isFiltered(NO_FILTER)).toBe(false);
        for (const alert of [mine, theirs]) expect(passes(alert, NO_FILTER, null)).toBe(true);
    });

    it.each([
        [{ severities: ["critical" as const] }, false, true],
        [{ kind: "dwell" }, false, false],
        [{ village: "upper" }, true, true],
        [{ level: "ring" }, false, false],
        [{ whose: "own" as const }, true, false],
        [{ whose: "neighbours" as const }, false, true],
        [{ mine: true }, true, false],
        [{ camera: "south-gate" }, false, false],
    ])("%j", (part, first, second) => {
        const filter = { ...NO_FILTER, ...part };
        expect(isFiltered(filter)).toBe(true);
        expect([mine, theirs].map((alert) => passes(alert, filter, LI))).toEqual([first, second]);
    });

    it("knows whose it is by who and unit alike", () => {
        expect(isMine(mine, { who: "li", unit: "station" })).toBe(false);
        expect(isMine(mine, null)).toBe(false);
    });
});

describe("verbs", () => {
    const raised = sample("A", 1);
    const held = sample("A", 1, claimedBy(LI, 1));
    const closed = sample("A", 1, { state: "resolved" });

    it.each([
        ["ack", raised, WANG, null],
        ["ack", held, WANG, "seen"],
        ["claim", raised, WANG, null],
        ["claim", held, WANG, "held"],
        ["claim", held, LI, null],
        ["release", raised, LI, "not-held"],
        ["release", held, { who: "zhao", unit: "patrol" }, null],
        ["release", held, WANG, "held"],
        ["resolve", held, WANG, "held"],
        ["dismiss", held, { who: "zhao", unit: "patrol" }, null],
        ["escalate", held, WANG, null],
        ["resolve", closed, WANG, "closed"],
        ["annotate", closed, WANG, null],
    ] as const)("%s", (verb, alert, who, why) => {
        expect(hindrance(verb, alert, who)).toBe(why);
    });

    it("chooses a reason by a digit", () => {
        expect(REASONS.map((_, nth) => reasonOf(String(nth + 1)))).toEqual([...REASONS]);
        for (const other of ["0", "7", "a", "", "12"]) expect(reasonOf(other)).toBeUndefined();
    });

    it("says a thing once of an incident, and each time of what it does not go along with", () => {
        const all = [
            sample("B", 2, { incident }),
            sample("D", 9, { incident }),
            sample("A", 1),
            sample("X", 1, { incident: { id: "Y", lead: "Y" } }),
        ];
        expect(ids(targets("dismiss", all))).toEqual(["B", "A", "X"]);
        expect(ids(targets("escalate", all))).toEqual(["B", "D", "A", "X"]);
    });

    it("knows who was first", () => {
        expect(whoWasFirst(raised)).toBeNull();
        expect(whoWasFirst(held)).toEqual({ by: LI, at: at(11), did: "claimed" });
    });
});

describe("clock", () => {
    const now = (seconds: number) => Date.parse(at(seconds));

    it("runs down to the time to respond, and then says that it is late", () => {
        const alert = sample("A", 0);
        const clock = clockOf(alert, now(150));
        expect(clock.what).toBe("respond");
        expect(share(clock, now(150))).toBeCloseTo(0.75);
        expect(urgency(clock, now(150))).toBe("calm");
        expect(urgency(clock, now(430))).toBe("soon");
        expect(clockOf(alert, now(600))).toEqual({ what: "breached", since: now(600) });
        expect(urgency(clockOf(alert, now(700)), now(700))).toBe("late");
    });

    it("counts a claim down, and stops with the end", () => {
        const alert = sample("A", 0, claimedBy(LI, 0));
        expect(clockOf(alert, now(310))).toMatchObject({ what: "claim", until: now(610) });
        expect(share(clockOf(alert, now(310)), now(310))).toBeCloseTo(0.5);
        expect(clockOf(sample("A", 0, { state: "dismissed" }), now(5)).what).toBe("none");
    });

    it("has no ten minutes for the station's own equipment", () => {
        expect(clockOf(sample("A", 0, { kind: "camera-offline" }), now(5)).what).toBe("none");
    });

    it("stays within the ring where clocks differ", () => {
        const clock = clockOf(sample("A", 0), now(-30));
        expect(share(clock, now(-30))).toBe(1);
    });
});

describe("history", () => {
    it("is in order, and says each thing once", () => {
        const alert = sample("A", 0, {
            ended_at: at(5),
            state: "dismissed",
            life: {
                raised_at: at(1),
                told: [
                    { at: at(1), why: "first", tier: 0, posts: ["checkpoint"] },
                    { at: at(61), why: "again", tier: 0, posts: ["checkpoint", "patrol"] },
                ],
                tier: 0,
                acknowledged: { at: at(70), by: LI },
                first_claimed: { at: at(80), by: LI },
                claim: { at: at(80), by: LI, until: at(680) },
                closed: { at: at(90), by: LI, reason: "known" },
                notes: [{ at: at(85), by: LI, text: "a neighbour" }],
            },
        });
        expect(historyOf(alert).map((step) => step.what)).toEqual([
            "occurred",
            "told",
            "ended",
            "told",
            "acknowledged",
            "first-claimed",
            "noted",
            "closed",
        ]);
        expect(postsTold(alert)).toEqual(["checkpoint", "patrol"]);
    });

    it("does with a life that is not there", () => {
        const { life: _, ...bare } = sample("A", 0);
        expect(historyOf(bare as Alert).map((step) => step.what)).toEqual(["occurred"]);
    });
});

describe("film", () => {
    const of = (headers: Record<string, string>) => beginOf(new Headers(headers));

    it("begins when the server says so, or as its name has it", () => {
        const disposition = 'inline; filename="school-road-20260309T180005Z.mp4"';
        expect(of({ "content-disposition": disposition })).toEqual({ at: Date.parse(at(5)), precise: false });
        expect(of({ "content-disposition": disposition, "cunkou-from": "2026-03-09T18:00:05.250Z" })).toEqual({
            at: Date.parse(at(5)) + 250,
            precise: true,
        });
        expect(of({ "content-disposition": "inline" })).toBeNull();
        expect(of({ "cunkou-from": "?" })).toBeNull();
    });
});

describe("marks", () => {
    const before = sample("A", 0);
    const after = sample("A", 0, claimedBy(LI, 0));

    it("are for what somebody else did just now", () => {
        expect(doneByAnother(after, before, WANG)).toEqual({ by: LI, did: "claimed" });
        expect(doneByAnother(after, before, LI)).toBeNull();
        expect(doneByAnother(after, after, WANG)).toBeNull();
        expect(doneByAnother(after, undefined, WANG)).toBeNull();
    });

    it("say that a claim was given up or has lapsed", () => {
        expect(doneByAnother(before, after, WANG)).toEqual({ by: null, did: "raised" });
    });
});

describe("window", () => {
    it("draws what is in view and a little more", () => {
        expect(spanOf(0, 500, 100, 500, 3)).toEqual({ first: 0, end: 8 });
        expect(spanOf(20_000, 500, 100, 500, 3)).toEqual({ first: 197, end: 208 });
        expect(spanOf(99_999, 500, 100, 4, 3)).toEqual({ first: 4, end: 4 });
        expect(spanOf(0, 500, 100, 0, 3)).toEqual({ first: 0, end: 0 });
    });

    const list = ["A", "B", "C", "D"];
    const view = { top: 100, height: 200, rowHeight: 100 };

    it("holds what is worked on, else what lies under the pointer, else the first in view", () => {
        const hands = { selected: "C", under: "B", busy: true };
        expect(anchorOf(list, view, hands)).toBe("C");
        expect(anchorOf(list, view, { ...hands, selected: "A" })).toBe("B");
        expect(anchorOf(list, view, { ...hands, selected: "A", under: null })).toBe("B");
        expect(anchorOf(list, { ...view, top: 0 }, { selected: null, under: null, busy: true })).toBeNull();
        expect(anchorOf(list, view, { ...hands, busy: false })).toBeNull();
    });

    it("scrolls by what came in above", () => {
        expect(shift(list, ["X", "Y", "A", "B", "C", "D"], "B", 100)).toBe(200);
        expect(shift(list, ["B", "C", "D"], "B", 100)).toBe(-100);
        expect(shift(list, [...list, "E"], "B", 100)).toBe(0);
    });

    it("lets the next one take the place of what went", () => {
        expect(shift(list, ["A", "C", "D"], "B", 100)).toBe(0);
        expect(shift(list, ["X", "A", "C", "D"], "B", 100)).toBe(100);
        expect(shift(list, ["A"], "B", 100)).toBe(0);
    });

    it("brings a row into view and moves no more than that", () => {
        expect(reveal(0, 250, 300, 100)).toBe(0);
        expect(reveal(4, 250, 300, 100)).toBe(250);
        expect(reveal(6, 250, 300, 100)).toBe(400);
    });
});
