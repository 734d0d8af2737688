// Who is at the page, what he may do, and what he is searching for.

import { ask, api, onSignedOut, type Schemas } from "./api/client";
import { chooseLanguage, type Language } from "./language.svelte";
import { setZone } from "./time.svelte";

export type Session = Schemas["session"];
export type Account = NonNullable<Session["account"]>;
export type Permission = Account["may"][number];

let session = $state.raw<Session | null>(null);

onSignedOut(() => {
    if (session) session = { ...session, account: null, purpose: null };
});

/** `null` until it is known. */
export function currentSession(): Session | null {
    return session;
}

export function account(): Account | null {
    return session?.account ?? null;
}

export function may(permission: Permission): boolean {
    return account()?.may.includes(permission) ?? false;
}

export function take(given: Session): void {
    session = given;
    setZone(given.time_zone);
    if (given.account?.language) chooseLanguage(given.account.language);
}

export async function readSession(): Promise<void> {
    take(await ask(api.GET("/api/v1/session")));
}

export async function signIn(login: string, password: string): Promise<void> {
    take(await ask(api.POST("/api/v1/session", { body: { login, password } })));
}

export async function signOut(): Promise<void> {
    await ask(api.DELETE("/api/v1/session"));
    if (session) session = { ...session, account: null, purpose: null };
}

/** What is searched for, and for which case: it holds until it is given back or the session ends. */
export async function holdPurpose(purpose: string, reference: string): Promise<void> {
    take(await ask(api.PUT("/api/v1/session/purpose", { body: { purpose, case: reference } })));
}

export async function dropPurpose(): Promise<void> {
    await ask(api.DELETE("/api/v1/session/purpose"));
    if (session) session = { ...session, purpose: null };
}

/** The language of the account, for the next time. */
export async function keepLanguage(language: Language): Promise<void> {
    await ask(api.PUT("/api/v1/session/language", { body: { language } }));
}
