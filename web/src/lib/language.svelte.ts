// Chinese or English: which one, and how words are looked up.

export type Language = "zh" | "en";

/** A name as the server gives it. */
export interface Name {
    zh: string;
    en: string;
}

const KEPT = "cunkou.language";

function kept(): Language {
    return localStorage.getItem(KEPT) === "en" ? "en" : "zh";
}

let language = $state<Language>(kept());

export function currentLanguage(): Language {
    return language;
}

export function chooseLanguage(chosen: Language): void {
    language = chosen;
    localStorage.setItem(KEPT, chosen);
    document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
}

type Word = string | ((...values: never[]) => string);

/**
 * The words of one part of the page. Both languages have the same words, or it does not compile:
 * `const words = speak(zh, en)`, then `words().claim`; a word with values in it is a function.
 */
export function speak<W extends Record<string, Word>>(
    zh: W,
    en: { [K in keyof W]: W[K] extends string ? string : W[K] },
): () => W {
    return () => (language === "zh" ? zh : (en as unknown as W));
}

/** A name in the language of the page. */
export function named(name: Name | null | undefined): string {
    return name ? (language === "zh" ? name.zh || name.en : name.en || name.zh) : "";
}

/** The same in the other language, where it says something else. */
export function otherwise(name: Name): string {
    const other = language === "zh" ? name.en : name.zh;
    return other === named(name) ? "" : other;
}
