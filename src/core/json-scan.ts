/**
 * Looks at a JSON object without building it: checks the whole grammar, and says where the values of a few top-level keys
 * stand in the bytes.
 *
 * Why not `JSON.parse`: 5 MB of `[` costs V8 300 MB; a parsed body could only be sent on by writing it anew, which loses
 * the caller's bytes; and of two equal keys it silently keeps the last, while the upstream may keep the first. Memory here
 * is constant, one bit per level of nesting. Time is linear: about 3 ns a byte, strings skipped by a table.
 */

import { isUtf8 } from "node:buffer";
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  MINUS,
  NINE,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
  ZERO,
} from "./json-bytes.ts";

/** Deepest nesting of arrays and objects that is accepted. Real requests stay under 30. */
const MAX_JSON_DEPTH = 128;

/** A value's place: `bytes[start, end)`, without surrounding space. */
export interface JsonSpan {
  readonly start: number;
  readonly end: number;
}

/** What a scan found, or what is wrong and at which byte. */
export type JsonScan =
  | { readonly ok: true; readonly spans: ReadonlyMap<string, JsonSpan> }
  | { readonly ok: false; readonly offset: number; readonly reason: string };

/** The top-level keys that a scan looks for. Made once, since keys of other lengths are passed over without being read. */
export class WantedKeys {
  readonly #names: ReadonlySet<string>;
  readonly #lengths: ReadonlySet<number>;

  /** @param names in lower-case ASCII. */
  constructor(...names: string[]) {
    this.#names = new Set(names);
    this.#lengths = new Set(names.map((name) => name.length));
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  hasLength(length: number): boolean {
    return this.#lengths.has(length);
  }
}

/** 1: ends a run of plain string bytes (quote, backslash, control character). */
const STRING_STOP = new Uint8Array(256);
STRING_STOP.fill(1, 0, 0x20);
STRING_STOP[QUOTE] = 1;
STRING_STOP[BACKSLASH] = 1;

const LITERALS = [Buffer.from("true"), Buffer.from("false"), Buffer.from("null")] as const;

/** 1: that level is an object. Shared, because a scan never yields. */
const IN_OBJECT = new Uint8Array(MAX_JSON_DEPTH);

/** Thrown within this file only, so that the recursive-descent parts stay readable. */
class Fault {
  readonly offset: number;
  readonly reason: string;
  constructor(offset: number, reason: string) {
    this.offset = offset;
    this.reason = reason;
  }
}

class Scanner {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** The top-level object, noting where the values of `wanted` keys stand. */
  object(wanted: WantedKeys): Map<string, JsonSpan> {
    const spans = new Map<string, JsonSpan>();
    this.#space();
    if (this.#bytes[this.#at] !== OPEN_OBJECT) throw new Fault(this.#at, "expected an object");
    this.#at++;
    this.#space();
    if (this.#bytes[this.#at] === CLOSE_OBJECT) this.#at++;
    else this.#members(wanted, spans);
    this.#space();
    if (this.#at < this.#bytes.length) throw new Fault(this.#at, "unexpected text after the object");
    return spans;
  }

  #members(wanted: WantedKeys, spans: Map<string, JsonSpan>): void {
    for (;;) {
      const name = this.#key(wanted);
      const start = this.#at;
      this.#value();
      if (name !== null && wanted.has(name)) {
        if (spans.has(name)) throw new Fault(start, `the key "${name}" appears twice`);
        spans.set(name, { start, end: this.#at });
      } else if (name !== null && wanted.has(name.toLowerCase())) {
        throw new Fault(start, `the key "${name}" must be written in lower case`);
      }
      this.#space();
      const byte = this.#bytes[this.#at];
      this.#at++;
      if (byte === CLOSE_OBJECT) return;
      if (byte !== COMMA) throw new Fault(this.#at - 1, "expected , or }");
    }
  }

  /** A top-level key and its colon; leaves the position at the value. @returns `null` for what can't be a wanted one. */
  #key(wanted: WantedKeys): string | null {
    this.#space();
    const start = this.#at;
    const escaped = this.#string();
    const end = this.#at;
    this.#colon();
    // An escaped key (`"\u006dodel"`) is the same key for the upstream, so it is for us.
    if (escaped) return JSON.parse(this.#bytes.toString("utf8", start, end)) as string;
    return wanted.hasLength(end - start - 2) ? this.#bytes.toString("latin1", start + 1, end - 1) : null;
  }

  #colon(): void {
    this.#space();
    if (this.#bytes[this.#at] !== COLON) throw new Fault(this.#at, "expected :");
    this.#at++;
    this.#space();
  }

  /** Any value, iteratively: `inObject` is a bit per level, so depth costs no stack. */
  #value(): void {
    const inObject = IN_OBJECT;
    // The top-level object is level one.
    let depth = 1;
    for (;;) {
      this.#space();
      const byte = this.#bytes[this.#at];
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (depth >= MAX_JSON_DEPTH) throw new Fault(this.#at, `nested more than ${MAX_JSON_DEPTH} deep`);
        this.#at++;
        this.#space();
        const isObject = byte === OPEN_OBJECT;
        if (this.#bytes[this.#at] === (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
          this.#at++;
        } else {
          inObject[depth] = isObject ? 1 : 0;
          depth++;
          if (isObject) this.#innerKey();
          continue;
        }
      } else this.#scalar(byte);
      // A value has ended: close what ends with it, or go on to the next member.
      for (;;) {
        if (depth === 1) return;
        this.#space();
        const next = this.#bytes[this.#at];
        const isObject = inObject[depth - 1] === 1;
        if (next === COMMA) {
          this.#at++;
          if (isObject) this.#innerKey();
          break;
        }
        if (next !== (isObject ? CLOSE_OBJECT : CLOSE_ARRAY))
          throw new Fault(this.#at, isObject ? "expected , or }" : "expected , or ]");
        this.#at++;
        depth--;
      }
    }
  }

  #innerKey(): void {
    this.#space();
    this.#string();
    this.#colon();
  }

  #scalar(byte: number | undefined): void {
    if (byte === QUOTE) this.#string();
    else if (byte === MINUS || (byte !== undefined && byte >= ZERO && byte <= NINE)) this.#number();
    else this.#literal();
  }

  /** Leaves the position after the closing quote. @returns whether the string holds escapes. */
  #string(): boolean {
    const bytes = this.#bytes;
    const length = bytes.length;
    if (bytes[this.#at] !== QUOTE) throw new Fault(this.#at, "expected a string");
    let at = this.#at + 1;
    let escaped = false;
    for (;;) {
      while (at < length && STRING_STOP[bytes[at]!] === 0) at++;
      const byte = bytes[at];
      if (byte === QUOTE) {
        this.#at = at + 1;
        return escaped;
      }
      if (byte !== BACKSLASH)
        throw new Fault(at, byte === undefined ? "unfinished string" : "control character in a string");
      escaped = true;
      at = this.#escape(at);
    }
  }

  #escape(at: number): number {
    const byte = this.#bytes[at + 1];
    if (byte === undefined || !ESCAPES.has(byte)) throw new Fault(at, "bad escape in a string");
    if (byte !== 0x75) return at + 2;
    for (let i = at + 2; i < at + 6; i++)
      if (!isHexDigit(this.#bytes[i])) throw new Fault(at, "bad escape in a string");
    return at + 6;
  }

  #number(): void {
    if (this.#bytes[this.#at] === MINUS) this.#at++;
    if (this.#bytes[this.#at] === ZERO) this.#at++;
    else this.#digits();
    if (this.#bytes[this.#at] === 0x2e) {
      this.#at++;
      this.#digits();
    }
    const exponent = this.#bytes[this.#at];
    if (exponent === 0x65 || exponent === 0x45) {
      this.#at++;
      const sign = this.#bytes[this.#at];
      if (sign === 0x2b || sign === MINUS) this.#at++;
      this.#digits();
    }
  }

  #digits(): void {
    const start = this.#at;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || byte < ZERO || byte > NINE) break;
      this.#at++;
    }
    if (this.#at === start) throw new Fault(start, "bad number");
  }

  #literal(): void {
    for (const literal of LITERALS) {
      if (this.#bytes[this.#at] !== literal[0]) continue;
      for (let i = 1; i < literal.length; i++) {
        if (this.#bytes[this.#at + i] !== literal[i]) throw new Fault(this.#at, "expected a value");
      }
      this.#at += literal.length;
      return;
    }
    throw new Fault(this.#at, "expected a value");
  }

  #space(): void {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.#at++;
    }
  }
}

const ESCAPES = new Set(Buffer.from('"\\/bfnrtu'));

function isHexDigit(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (byte >= ZERO && byte <= NINE) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}

/**
 * Checks that `bytes` are one JSON object and finds the values of the `wanted` top-level keys.
 *
 * Accepts exactly what `JSON.parse` accepts of an object, but these are faults: nesting beyond 128, bytes that are not
 * UTF-8, a wanted key that appears twice (however it is escaped), and one that is a wanted key but for its case, since some
 * servers (Go's `encoding/json`) would read it, and so something else than we do.
 */
export function scanJsonObject(bytes: Buffer, wanted: WantedKeys): JsonScan {
  try {
    const spans = new Scanner(bytes).object(wanted);
    if (!isUtf8(bytes)) return { ok: false, offset: 0, reason: "not valid UTF-8" };
    return { ok: true, spans };
  } catch (fault) {
    if (fault instanceof Fault) return { ok: false, offset: fault.offset, reason: fault.reason };
    throw fault;
  }
}
