// Which villages, gates and cameras there are to choose from, and which cameras a question is about. Pure.

import type { Schemas } from "../../lib/api/client";
import type { Name } from "../../lib/language.svelte";
import type { Question } from "./question";

export type BoardCamera = Schemas["board_camera"];

export interface Gate {
    id: string;
    name: Name;
    level: string;
    /** More than one, or one whose name is not the gate's. */
    cameras: { id: string; name: Name }[];
}
export interface Village {
    id: string;
    name: Name;
    gates: Gate[];
}

/** By village and gate, in the order of their names in this language; `every`: a gate's only camera too, though it is called the same. */
export function placesOf(cameras: readonly BoardCamera[], language: "zh" | "en", every = false): Village[] {
    const villages = new Map<string, Village>();
    const gates = new Map<string, Gate>();
    for (const camera of cameras) {
        let village = villages.get(camera.village.id);
        if (!village) villages.set(camera.village.id, (village = { ...camera.village, gates: [] }));
        let gate = gates.get(camera.entry_point.id);
        if (!gate) {
            gate = { ...camera.entry_point, level: camera.level, cameras: [] };
            gates.set(gate.id, gate);
            village.gates.push(gate);
        }
        gate.cameras.push({ id: camera.id, name: camera.name });
    }
    const order = new Intl.Collator(language === "zh" ? "zh-Hans-CN" : "en", { numeric: true });
    const byName = (a: { name: Name }, b: { name: Name }) => order.compare(a.name[language], b.name[language]);
    for (const village of villages.values()) village.gates.sort(byName);
    for (const gate of gates.values()) {
        const [only] = gate.cameras;
        const isItself = !every && gate.cameras.length === 1 && only?.name.zh === gate.name.zh;
        gate.cameras = isItself ? [] : gate.cameras.sort(byName);
    }
    return [...villages.values()].sort(byName);
}

/** What has the text in a name or an id; a village or gate that has it keeps all that is in it. */
export function matching(villages: readonly Village[], text: string): Village[] {
    const sought = text.trim().toLowerCase();
    if (sought === "") return [...villages];
    const has = ({ id, name }: { id: string; name: Name }) =>
        [id, name.zh, name.en].some((word) => word.toLowerCase().includes(sought));
    return villages.flatMap((village) => {
        if (has(village)) return [village];
        const gates = village.gates.flatMap((gate) => {
            if (has(gate)) return [gate];
            const cameras = gate.cameras.filter(has);
            return cameras.length > 0 ? [{ ...gate, cameras }] : [];
        });
        return gates.length > 0 ? [{ ...village, gates }] : [];
    });
}

/** The cameras that a question is about: what it names of each kind has to hold. */
export function camerasOf(question: Question, cameras: readonly BoardCamera[]): BoardCamera[] {
    const named = (list: readonly string[], id: string) => list.length === 0 || list.includes(id);
    return cameras.filter(
        (camera) =>
            named(question.camera, camera.id) &&
            named(question.entry_point, camera.entry_point.id) &&
            named(question.village, camera.village.id) &&
            named(question.level, camera.level),
    );
}
