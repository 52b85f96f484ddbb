/**
 * Walks over JSON that a scan has found valid, and says of each object which of a few string members it has and where they
 * stand. Nothing is built: memory is a frame per level of nesting, and a string is jumped over by one native search.
 */
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from "../../core/json-bytes.ts";
import type { JsonSpan } from "../../core/json-scan.ts";

/** An object of the walk, told of when it has ended. */
export interface WalkedObject {
  /** Keys and indices from the top, e.g. `["messages", 0, "content"]`. Valid only during the call. */
  readonly path: readonly (string | number)[];
  /** The wanted members whose values are strings, each with its span inside of the quotes. */
  readonly strings: ReadonlyMap<string, JsonSpan>;
}

/** A wanted member stood twice in one object: two readers of the body may take either. */
export interface RepeatedKey {
  readonly path: readonly (string | number)[];
}

interface Frame {
  readonly isObject: boolean;
  /** Of the member or element that is being read. */
  key: string | number;
  strings: Map<string, JsonSpan> | null;
}

/** Finds the ends of strings. Remembers the next quote and the next backslash: all searches together pass a body once each. */
class StringEnds {
  readonly #bytes: Buffer;
  #quote = -1;
  #backslash = -1;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @param start behind the opening quote; never before the one asked for last. @returns the place of the closing quote. */
  after(start: number): number {
    let at = start;
    for (;;) {
      if (this.#quote < at) this.#quote = this.#bytes.indexOf(QUOTE, at);
      if (this.#backslash < at) this.#backslash = this.#nextBackslash(at);
      if (this.#backslash > this.#quote) return this.#quote;
      at = this.#backslash + 2;
    }
  }

  #nextBackslash(at: number): number {
    const found = this.#bytes.indexOf(BACKSLASH, at);
    return found === -1 ? Infinity : found;
  }
}

/** What a walk looks for. */
export interface WalkTarget {
  /** The members of the top-level object that are looked into. */
  readonly below: ReadonlySet<string>;
  /** Keys of string members, at any depth. */
  readonly wanted: ReadonlySet<string>;
}

class Walk {
  readonly #bytes: Buffer;
  readonly #target: WalkTarget;
  readonly #onObject: (object: WalkedObject) => void;
  readonly #ends: StringEnds;
  readonly #frames: Frame[] = [];
  #expectsKey = false;

  constructor(bytes: Buffer, target: WalkTarget, onObject: (object: WalkedObject) => void) {
    this.#bytes = bytes;
    this.#target = target;
    this.#onObject = onObject;
    this.#ends = new StringEnds(bytes);
  }

  run(): RepeatedKey | undefined {
    const bytes = this.#bytes;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) {
        const span = { start: at + 1, end: this.#ends.after(at + 1) };
        at = span.end;
        if (!this.#string(span)) return { path: this.#path() };
      } else if (byte === COLON) this.#expectsKey = false;
      else if (byte === COMMA) this.#nextMember();
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.#open(byte === OPEN_OBJECT);
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.#close();
    }
    return undefined;
  }

  /** @returns false where a wanted member stands twice. */
  #string(span: JsonSpan): boolean {
    const frame = this.#frames.at(-1);
    if (frame === undefined) return true;
    if (this.#expectsKey) frame.key = stringText(this.#bytes, span);
    else if (this.#isWanted(frame)) {
      frame.strings ??= new Map();
      if (frame.strings.has(String(frame.key))) return false;
      frame.strings.set(String(frame.key), span);
    }
    return true;
  }

  #isWanted({ isObject, key }: Frame): boolean {
    const { wanted, below } = this.#target;
    return isObject && wanted.has(String(key)) && below.has(String(this.#frames[0]!.key));
  }

  #nextMember(): void {
    const frame = this.#frames.at(-1)!;
    this.#expectsKey = frame.isObject;
    if (typeof frame.key === "number") frame.key++;
  }

  #open(isObject: boolean): void {
    this.#frames.push({ isObject, key: isObject ? "" : 0, strings: null });
    this.#expectsKey = isObject;
  }

  #close(): void {
    const { strings } = this.#frames.pop()!;
    this.#expectsKey = false;
    if (strings !== null) this.#onObject({ path: this.#path(), strings });
  }

  #path(): (string | number)[] {
    return this.#frames.map(({ key }) => key);
  }
}

/**
 * Calls `onObject` for each object below the wanted places of the document `bytes` that has a wanted member, the inner ones
 * first.
 * @param bytes valid JSON, an object.
 * @returns where a wanted member stands twice, if one does; the walk ends there.
 */
export function walkJson(
  bytes: Buffer,
  target: WalkTarget,
  onObject: (object: WalkedObject) => void,
): RepeatedKey | undefined {
  return new Walk(bytes, target, onObject).run();
}

/** The text of the string inside of `span`, escapes undone. */
export function stringText(bytes: Buffer, { start, end }: JsonSpan): string {
  const raw = bytes.toString("utf8", start, end);
  return raw.includes("\\") ? (JSON.parse(`"${raw}"`) as string) : raw;
}
