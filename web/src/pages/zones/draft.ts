// What is drawn on one camera, and the rules of it: as the server gives it, as one changes it, as the server is asked for it.
// Pure: every change gives a new draft.

import type { Schemas } from "../../lib/api/client";
import type { Name } from "../../lib/language.svelte";
import { AREA_MIN, areaOf, crossesItself, point, settled, type Point } from "./geometry";
import { freshId, slug } from "./slug";

export type ShapeKind = "zone" | "line" | "mask";
export type Side = "left" | "right";
export type RuleKind = Schemas["camera_rule"]["kind"];

export interface Shape {
    /** Ours; stays, whatever its name is. */
    readonly key: string;
    readonly kind: ShapeKind;
    /** As in the file; a mask has none. */
    readonly id: string;
    /** Not in the file yet: its id still follows its name. */
    readonly fresh: boolean;
    readonly name: Name;
    /** The corners of a zone or mask; the two ends of a line. */
    readonly points: readonly Point[];
    /** A line's alone: the village's side for somebody who stands at the first end and looks to the other. */
    readonly inside: Side;
}

/** Where nothing is said of sizes and confidence, the server has what is usual. */
export type Rule = Readonly<Omit<Schemas["camera_rule"], "height_min" | "confidence_min">> & {
    readonly height_min: number | null;
    readonly confidence_min: number | null;
    readonly key: string;
    readonly fresh: boolean;
};

export interface Draft {
    /** Of which camera. */
    readonly camera: string;
    readonly shapes: readonly Shape[];
    readonly rules: readonly Rule[];
}

export const CLASSES = [
    "person",
    "bicycle",
    "motorcycle",
    "car",
    "bus",
    "truck",
    "dog",
    "horse",
    "sheep",
    "cow",
] as const;
/** What a rule watches where nothing is said. */
const CLASSES_USUAL: readonly (typeof CLASSES)[number][] = CLASSES.slice(0, 6);
export const RULE_KINDS: readonly RuleKind[] = ["zone-enter", "zone-leave", "dwell", "line-cross", "wrong-way"];
/** Shapes of one kind on one camera, as the server has it. */
export const SHAPES_MAX = 32;

export const needsLine = (kind: RuleKind): boolean => kind === "line-cross" || kind === "wrong-way";

let made = 0;
const freshKey = (): string => `new-${++made}`;

const points = (given: readonly (readonly number[])[]): Point[] => given.map(([x = 0, y = 0]) => point(x, y));

export function draftOf(zones: Schemas["zones"]): Draft {
    const common = { fresh: false, inside: "right" as Side };
    return {
        camera: zones.camera,
        shapes: [
            ...zones.zones.map(({ id, name, area }) => ({
                ...common,
                key: `zone-${id}`,
                kind: "zone" as const,
                id,
                name,
                points: points(area),
            })),
            ...zones.lines.map(({ id, name, a, b, inside }) => ({
                ...common,
                key: `line-${id}`,
                kind: "line" as const,
                id,
                name,
                points: points([a, b]),
                inside,
            })),
            ...zones.masks.map((mask, at) => ({
                ...common,
                key: `mask-${at}`,
                kind: "mask" as const,
                id: "",
                name: { zh: "", en: "" },
                points: points(mask),
            })),
        ],
        rules: zones.rules.map((rule) => ({ ...rule, key: `rule-${rule.id}`, fresh: false })),
    };
}

/** Finer than any pixel, and short in the file. */
const rounded = (share: number): number => Math.round(share * 10_000) / 10_000;
const pairs = (shape: Shape): [number, number][] => shape.points.map(({ x, y }) => [rounded(x), rounded(y)]);
const ofKind = (draft: Draft, kind: ShapeKind): Shape[] => draft.shapes.filter((shape) => shape.kind === kind);

/** A name in one language is its name in both. */
function spelt({ zh, en }: Name, id: string): Name {
    return { zh: zh.trim() || en.trim() || id, en: en.trim() || zh.trim() || id };
}

/** What the server is asked for: all that is drawn, and the rules of this camera alone. */
export function wantedOf(draft: Draft, base: string): Schemas["zones_draft"] {
    return {
        base,
        zones: ofKind(draft, "zone").map((zone) => ({
            id: zone.id,
            name: spelt(zone.name, zone.id),
            area: pairs(zone),
        })),
        lines: ofKind(draft, "line").map((line) => {
            const [a = [0, 0], b = [1, 1]] = pairs(line);
            return { id: line.id, name: spelt(line.name, line.id), a, b, inside: line.inside };
        }),
        masks: ofKind(draft, "mask").map(pairs),
        rules: draft.rules
            .filter(({ own }) => own)
            .map(({ key: _key, fresh: _fresh, ...rule }) => ({
                ...rule,
                name: spelt(rule.name, rule.id),
            })),
    };
}

export function isSame(one: Draft, other: Draft): boolean {
    return one === other || JSON.stringify(wantedOf(one, "")) === JSON.stringify(wantedOf(other, ""));
}

const NO_NAME: Name = { zh: "", en: "" };
const FRESH_NAME: Record<"zone" | "line", (number: number) => Name> = {
    zone: (number) => ({ zh: `区域${number}`, en: `Zone ${number}` }),
    line: (number) => ({ zh: `警戒线${number}`, en: `Line ${number}` }),
};

function idsOf(draft: Draft, kind: ShapeKind, but: string | null = null): Set<string> {
    return new Set(draft.shapes.filter((known) => known.kind === kind && known.key !== but).map(({ id }) => id));
}

/** The draft with a new shape, and the shape. */
export function withShape(draft: Draft, kind: ShapeKind, corners: readonly Point[]): [Draft, Shape] {
    let name = NO_NAME;
    let id = "";
    if (kind !== "mask") {
        id = freshId("", kind, idsOf(draft, kind));
        name = FRESH_NAME[kind](Number(id.split("-").at(-1)));
    }
    const shape = {
        key: freshKey(),
        kind,
        id,
        fresh: true,
        name,
        points: corners.map(settled),
        inside: "right" as Side,
    };
    return [{ ...draft, shapes: [...draft.shapes, shape] }, shape];
}

/** Changes a shape. The id of one that is not in the file yet follows its English name, and its rules follow the id. */
export function changeShape(
    draft: Draft,
    key: string,
    change: Partial<Pick<Shape, "name" | "points" | "inside">>,
): Draft {
    const shapes = draft.shapes.map((shape) => (shape.key === key ? { ...shape, ...change } : shape));
    const changed = { ...draft, shapes };
    return change.name ? withFreshId(changed, key, draft) : changed;
}

/** The id of a shape that is not in the file yet, from its name; none that anything in `among` or in the draft has. */
function withFreshId(draft: Draft, key: string, among: Draft): Draft {
    const shape = draft.shapes.find((known) => known.key === key);
    if (!shape?.fresh || shape.kind === "mask") return draft;
    const field = shape.kind;
    const id = freshId(shape.name.en, field, new Set([...idsOf(draft, field, key), ...idsOf(among, field, key)]));
    return {
        ...draft,
        shapes: draft.shapes.map((known) => (known === shape ? { ...shape, id } : known)),
        rules: draft.rules.map((rule) => (rule.own && rule[field] === shape.id ? { ...rule, [field]: id } : rule)),
    };
}

/** Rules that name a shape. */
export function rulesOn(draft: Draft, shape: Shape): Rule[] {
    if (shape.kind === "mask") return [];
    const field = shape.kind;
    return draft.rules.filter((rule) => rule[field] === shape.id);
}

/** Without the shape and the rules of this camera that name it. Where a shared rule names it, it stays. */
export function withoutShape(draft: Draft, key: string): Draft {
    const shape = draft.shapes.find((known) => known.key === key);
    if (!shape) return draft;
    const rules = rulesOn(draft, shape);
    if (rules.some((rule) => !rule.own)) return draft;
    return {
        ...draft,
        shapes: draft.shapes.filter((known) => known.key !== key),
        rules: draft.rules.filter((rule) => !rules.includes(rule)),
    };
}

const RULE_NAME: Record<RuleKind, (shape: Name) => Name> = {
    "zone-enter": ({ zh, en }) => ({ zh: `进入${zh}`, en: `Enters ${en}` }),
    "zone-leave": ({ zh, en }) => ({ zh: `离开${zh}`, en: `Leaves ${en}` }),
    dwell: ({ zh, en }) => ({ zh: `在${zh}逗留`, en: `Stays in ${en}` }),
    "line-cross": ({ zh, en }) => ({ zh: `越过${zh}`, en: `Crosses ${en}` }),
    "wrong-way": ({ zh, en }) => ({ zh: `逆行通过${zh}`, en: `Crosses ${en} the wrong way` }),
};

const WHOLE: Name = { zh: "画面", en: "the picture" };

/** The fields that a kind has, each with what it is where nothing is said; the others are none. */
function fieldsOf(
    kind: RuleKind,
    rule: Partial<Rule>,
    draft: Draft,
): Pick<Rule, "zone" | "line" | "direction" | "allowed" | "at_least_s"> {
    const line = needsLine(kind);
    const first = (of: ShapeKind): string | null => ofKind(draft, of)[0]?.id ?? null;
    return {
        zone: line ? null : (rule.zone ?? (kind === "zone-leave" ? first("zone") : null)),
        line: line ? (rule.line ?? first("line")) : null,
        direction: kind === "line-cross" ? (rule.direction ?? null) : null,
        allowed: kind === "wrong-way" ? (rule.allowed ?? "out") : null,
        at_least_s: kind === "dwell" ? (rule.at_least_s ?? 60) : null,
    };
}

/** Rules of all cameras share one table of the file, and only this one's are known: the camera is a part of the id. */
function ruleId(draft: Draft, name: Name, kind: RuleKind, but: string | null = null): string {
    const taken = new Set(draft.rules.filter(({ key }) => key !== but).map(({ id }) => id));
    return freshId(slug(name.en) ? `${draft.camera} ${name.en}` : "", `${draft.camera}-${kind}`, taken);
}

/** The draft with a new rule of this camera alone on a shape, or on the whole picture, and the rule. */
export function withRule(draft: Draft, shape: Shape | null): [Draft, Rule] {
    const kind: RuleKind = shape?.kind === "line" ? "line-cross" : "zone-enter";
    const on =
        shape?.kind === "zone"
            ? { zone: shape.id }
            : shape?.kind === "line"
              ? { line: shape.id, direction: "in" as const }
              : {};
    const name = RULE_NAME[kind](shape && shape.kind !== "mask" ? shape.name : WHOLE);
    const rule: Rule = {
        key: freshKey(),
        fresh: true,
        id: ruleId(draft, name, kind),
        kind,
        severity: "warning",
        name,
        ...fieldsOf(kind, on, draft),
        classes: [...CLASSES_USUAL],
        hours: null,
        height_min: null,
        confidence_min: null,
        own: true,
    };
    return [{ ...draft, rules: [...draft.rules, rule] }, rule];
}

/** Changes a rule of this camera alone, and what follows from it. A name that nobody has touched follows kind and shape. */
export function changeRule(draft: Draft, key: string, change: Partial<Rule>): Draft {
    const before = draft.rules.find((rule) => rule.key === key);
    if (!before?.own) return draft;
    const changed = { ...before, ...change };
    const next = { ...changed, ...fieldsOf(changed.kind, changed, draft) };
    const usual = (rule: Rule): Name => RULE_NAME[rule.kind](shapeOf(draft, rule)?.name ?? WHOLE);
    if (!change.name && before.fresh) {
        const [was, is] = [usual(before), usual(next)];
        next.name = {
            zh: before.name.zh === was.zh ? is.zh : before.name.zh,
            en: before.name.en === was.en ? is.en : before.name.en,
        };
    }
    if (before.fresh) {
        next.id = ruleId(draft, next.name, next.kind, key);
    }
    return { ...draft, rules: draft.rules.map((rule) => (rule.key === key ? next : rule)) };
}

export function withoutRule(draft: Draft, key: string): Draft {
    return { ...draft, rules: draft.rules.filter((rule) => rule.key !== key || !rule.own) };
}

/** The shape that a rule names. */
export function shapeOf(draft: Draft, rule: Rule): Shape | undefined {
    return draft.shapes.find(
        (shape) =>
            (shape.kind === "zone" && shape.id === rule.zone) || (shape.kind === "line" && shape.id === rule.line),
    );
}

export type Wrong = "few-corners" | "crosses-itself" | "too-small" | "same-ends" | "no-shape" | "no-class";

/** What is wrong with a shape, to be seen at once; the server says the same. */
export function wrongWith(shape: Pick<Shape, "kind" | "points">): Wrong | null {
    if (shape.kind === "line") {
        const [a, b] = shape.points;
        return a && b && Math.hypot(a.x - b.x, a.y - b.y) > 0.005 ? null : "same-ends";
    }
    if (shape.points.length < 3) return "few-corners";
    if (crossesItself(shape.points)) return "crosses-itself";
    return areaOf(shape.points) < AREA_MIN ? "too-small" : null;
}

/** What is wrong with a rule of this camera alone. */
export function wrongWithRule(draft: Draft, rule: Rule): Wrong | null {
    if (!rule.own) return null;
    if ((needsLine(rule.kind) || rule.kind === "zone-leave" || rule.zone) && !shapeOf(draft, rule)) return "no-shape";
    return rule.classes.length === 0 ? "no-class" : null;
}

/** What a problem of the server's is about: `camera.north-gate.zone.road.area`, `camera.north-gate.masks[1]` (or of all masks), `rule.night.zone`. */
export function subjectOf(key: string, draft: Draft): string | null {
    const rule = /^rule\.([a-z0-9-]+)/.exec(key);
    if (rule) return draft.rules.find(({ id }) => id === rule[1])?.key ?? null;
    const named = /^camera\.[a-z0-9-]+\.(zone|line)\.([a-z0-9-]+)/.exec(key);
    if (named) return draft.shapes.find((shape) => shape.kind === named[1] && shape.id === named[2])?.key ?? null;
    const mask = /^camera\.[a-z0-9-]+\.masks?(?:\[|\.)(\d+)/.exec(key);
    if (mask) return ofKind(draft, "mask")[Number(mask[1])]?.key ?? null;
    return null;
}

/**
 * What one drew from `base` on, laid over what somebody else has made of it meanwhile: what one touched is as one wants it, all else as
 * it is now. New ids that the other one has taken give way.
 */
export function laidOver(base: Draft, mine: Draft, theirs: Draft): Draft {
    for (const { key } of mine.shapes) mine = withFreshId(mine, key, theirs);
    const masks = (draft: Draft): Shape[] => ofKind(draft, "mask");
    const touched = JSON.stringify(masks(base).map(pairs)) !== JSON.stringify(masks(mine).map(pairs));
    const shapes = [...over(areas(base), areas(mine), areas(theirs)), ...masks(touched ? mine : theirs)];
    const draft: Draft = { ...theirs, shapes, rules: over(base.rules, mine.rules, theirs.rules) };
    const fresh = draft.rules.filter((rule) => rule.fresh);
    return fresh.reduce<Draft>((laid, rule) => changeRule(laid, rule.key, { name: rule.name }), draft);
}

const areas = (draft: Draft): Shape[] => draft.shapes.filter(({ kind }) => kind !== "mask");

function over<T extends { readonly key: string; readonly fresh: boolean }>(
    base: readonly T[],
    mine: readonly T[],
    theirs: readonly T[],
): T[] {
    const find = (list: readonly T[], key: string): T | undefined => list.find((one) => one.key === key);
    const same = (one: T | undefined, other: T | undefined): boolean => JSON.stringify(one) === JSON.stringify(other);
    const kept = theirs.flatMap((their) => {
        const [was, my] = [find(base, their.key), find(mine, their.key)];
        if (same(was, my)) return [their];
        return my ? [my] : [];
    });
    // What is new, and what the other one took away while it was being changed here.
    const added = mine.filter((my) => !find(theirs, my.key) && (my.fresh || !same(find(base, my.key), my)));
    return [...kept, ...added];
}
