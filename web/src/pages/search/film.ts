// A clip's film in place: one stream, put together by the browser (Media Source Extensions).

import { Refused } from "../../lib/api/client";

/** What became of it. `unplayable`: this browser does not know the coding; `cut`: the coding changes within, what follows has to be looked at in playback. */
export type Outcome = { kind: "whole" | "cut" } | { kind: "unplayable"; codecs: string };

/** Plays the address in the element until the signal says stop. Resolves once all of it is buffered; throws [`Refused`] with the server's words. */
export async function playFilm(video: HTMLVideoElement, address: string, signal: AbortSignal): Promise<Outcome> {
    const answer = await fetch(address, { signal });
    if (!answer.ok) throw new Refused(answer.status, (await answer.text()).trim() || answer.statusText);
    const type = answer.headers.get("content-type") ?? "";
    if (!MediaSource.isTypeSupported(type)) {
        await answer.body?.cancel();
        return { kind: "unplayable", codecs: /codecs="([^"]*)"/.exec(type)?.[1] ?? type };
    }
    const source = new MediaSource();
    const url = URL.createObjectURL(source);
    video.src = url;
    const release = () => {
        video.removeAttribute("src");
        video.load();
        URL.revokeObjectURL(url);
    };
    signal.addEventListener("abort", release, { once: true });
    await once(source, "sourceopen", signal);
    const buffer = source.addSourceBuffer(type);
    const reader = answer.body?.getReader();
    for (;;) {
        const step = await reader?.read();
        signal.throwIfAborted();
        if (!step || step.done) break;
        buffer.appendBuffer(step.value);
        await once(buffer, "updateend", signal);
    }
    if (source.readyState === "open") source.endOfStream();
    return { kind: answer.headers.has("cunkou-next") ? "cut" : "whole" };
}

function once(target: EventTarget, name: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
        const stop = () => reject(signal.reason as Error);
        signal.addEventListener("abort", stop, { once: true });
        target.addEventListener(
            name,
            () => {
                signal.removeEventListener("abort", stop);
                resolve();
            },
            { once: true },
        );
    });
}
