/**
 * Ids that nobody can guess.
 */

/** 24 characters of `[0-9a-v]`, 120 random bits: a page id or a `ref` (live 4.2). */
export const randomId = (): string => [...crypto.getRandomValues(new Uint8Array(24))].map((byte) => (byte % 32).toString(32)).join("");
