/**
 * Virtual keys: `hw_`, 8 characters that name the key, `_`, 32 that are the secret. The gateway keeps the SHA-256 of the whole and
 * nothing that a key could be made from.
 */
import { hash, randomBytes } from "node:crypto";

/** Letters and digits alone: a double click selects the whole key, and no shell or URL needs it quoted. */
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 8;
/** 32 × log2(62) = 190.5 bits. */
const SECRET_LENGTH = 32;

const KEY = /^hw_([0-9A-Za-z]{8})_[0-9A-Za-z]{32}$/;

/** A key that was just made. */
export interface NewKey {
  /** Names the key in lists and logs; no secret. */
  readonly id: string;
  /** The whole key: shown once, never kept. */
  readonly key: string;
  /** What is kept: see {@link keyDigest}. */
  readonly digest: string;
}

/** Makes a key from the system's random numbers. */
export function createKey(): NewKey {
  const id = randomText(ID_LENGTH);
  const key = `hw_${id}_${randomText(SECRET_LENGTH)}`;
  return { id, key, digest: keyDigest(key) };
}

/** SHA-256 of the whole key, 64 hex digits. A secret of 190 bits needs no slow hash: there is nothing to guess. */
export function keyDigest(key: string): string {
  return hash("sha256", key, "hex");
}

/** The id within a whole key, or `undefined` where the text is none. */
export function keyIdOf(key: string): string | undefined {
  return KEY.exec(key)?.[1];
}

/** Characters of {@link ALPHABET}, each as likely as any other. */
function randomText(length: number): string {
  // Bytes from here on would make the first letters likelier.
  const limit = 256 - (256 % ALPHABET.length);
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < limit && text.length < length) text += ALPHABET[byte % ALPHABET.length];
    }
  }
  return text;
}
