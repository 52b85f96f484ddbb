/**
 * YAML text → plain values, each with its place in the text. Scalars stay the text that was written, an empty one is
 * `null`; what they mean is the schema's business. Nothing here throws on any input, and no message repeats a value.
 */
import { isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";
import type { Alias, Document, Scalar, YAMLError, YAMLMap, YAMLSeq } from "yaml";

import { hasReference, protectReferences, restoreReferences, substitute } from "./variables.ts";

/** Where something is written: offsets into the text, UTF-16 units. */
export interface Place {
  /** Of the key that names it; of the value itself where there is no key. */
  readonly keyOffset: number;
  readonly valueOffset: number;
  readonly children: ReadonlyMap<string, Place>;
}

/** Something wrong at an offset. */
export interface OffsetFault {
  readonly offset: number;
  readonly message: string;
}

/** A scalar whose variables could not be filled in: its fault has been told, so no other is looked for. */
export const UNRESOLVED: unique symbol = Symbol("unresolved");

/** A parsed text. */
export interface ConfigTree {
  /** Maps (without a prototype), arrays, strings, `null` and {@link UNRESOLVED}. */
  readonly value: unknown;
  readonly place: Place;
  readonly faults: readonly OffsetFault[];
  /** Set when the text is not YAML, or past a bound: the value is then not worth checking. */
  readonly broken: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const MAX_DEPTH = 32;
const MAX_ALIASES = 100;
/** A config of 1 MiB with the shortest names has fewer; aliases could make any number of them. */
const MAX_NODES = 250_000;

/** Parses `source` (at most 1 MiB, which the caller ensures) and fills in its variables from `env`. */
export function parseYamlTree(source: string, env: Environment): ConfigTree {
  const document = parseDocument(protectReferences(source), {
    // Every scalar is a string: `port: 8080` and a token of digits alike keep the text that was written.
    schema: "failsafe",
    stringKeys: true,
    // Quadratic in the parser; the walk below does it.
    uniqueKeys: false,
    prettyErrors: false,
  });
  const problems = [...document.errors, ...document.warnings];
  const syntaxFaults = problems.map((problem) => ({ offset: problem.pos[0], message: syntaxMessage(problem) }));
  if (problems.length > 0) {
    return {
      value: null,
      place: { keyOffset: 0, valueOffset: 0, children: new Map() },
      faults: syntaxFaults,
      broken: true,
    };
  }
  const walk = new TreeWalk(document, env);
  const { value, place } = walk.visit(document.contents, 0, 0);
  return { value, place, faults: walk.faults, broken: walk.gaveUp };
}

/** For the parser's messages that quote the text, or say less than they could. */
const SYNTAX_MESSAGES: Partial<Record<YAMLError["code"], string>> = {
  TAG_RESOLVE_FAILED: "tags (`!…`) have no meaning here; quote a value that starts with `!`",
  BAD_DQ_ESCAPE: "there is no such escape sequence in a double-quoted text",
  NON_STRING_KEY: "a key must be a text",
  MULTIPLE_DOCS: "a config is one YAML document; take out the `---`",
  RESOURCE_EXHAUSTION: "nested too deep",
};

function syntaxMessage({ code, message }: YAMLError): string {
  return (
    SYNTAX_MESSAGES[code] ?? `not valid YAML: ${code === "UNEXPECTED_TOKEN" ? message.replace(/:.*/s, "") : message}`
  );
}

interface Visited {
  readonly value: unknown;
  readonly place: Place;
}

class TreeWalk {
  readonly faults: OffsetFault[] = [];
  readonly #document: Document;
  readonly #env: Environment;
  #nodes = 0;
  #aliases = 0;
  #gaveUp = false;

  constructor(document: Document, env: Environment) {
    this.#document = document;
    this.#env = env;
  }

  /** Whether a bound was reached, so that the values are not all there. */
  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  visit(node: unknown, keyOffset: number, depth: number): Visited {
    const offset = offsetOf(node) ?? keyOffset;
    if (++this.#nodes > MAX_NODES) return this.#giveUp(offset, "holds too many values");
    if (depth > MAX_DEPTH) return this.#giveUp(offset, "nested too deep");
    if (isAlias(node)) return this.#visitAlias(node, offset, depth);
    if (isMap(node)) return this.#visitMap(node, keyOffset, depth);
    if (isSeq(node)) return this.#visitSequence(node, keyOffset, depth);
    if (isScalar(node)) return this.#visitScalar(node, keyOffset);
    return leaf(null, keyOffset, keyOffset);
  }

  #visitAlias(alias: Alias, offset: number, depth: number): Visited {
    // Counted first: finding the anchor searches the whole document.
    if (++this.#aliases > MAX_ALIASES) return this.#giveUp(offset, `more than ${MAX_ALIASES} aliases`);
    const target = alias.resolve(this.#document);
    if (target === undefined) {
      this.faults.push({ offset, message: "this alias names no anchor before it" });
      return leaf(UNRESOLVED, offset, offset);
    }
    const { value, place } = this.visit(target, offset, depth + 1);
    return { value, place: { ...place, keyOffset: offset, valueOffset: offset } };
  }

  #visitMap(map: YAMLMap, keyOffset: number, depth: number): Visited {
    const value: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    const children = new Map<string, Place>();
    for (const pair of map.items) {
      if (this.#gaveUp) break;
      const offset = offsetOf(pair.key) ?? keyOffset;
      const name = isScalar(pair.key) ? restoreReferences(String(pair.key.value)) : undefined;
      const fault = this.#keyFault(name, children);
      if (name === undefined || fault !== undefined) {
        this.faults.push({ offset, message: fault ?? "a key must be a text" });
        continue;
      }
      const child = this.visit(pair.value, offset, depth + 1);
      value[name] = child.value;
      children.set(name, { ...child.place, keyOffset: offset });
    }
    return { value, place: { keyOffset, valueOffset: offsetOf(map) ?? keyOffset, children } };
  }

  #keyFault(name: string | undefined, siblings: ReadonlyMap<string, Place>): string | undefined {
    if (name === undefined) return "a key must be a text";
    if (name === "__proto__") return "`__proto__` cannot be a name";
    if (hasReference(name)) return "a variable cannot stand in a key";
    return siblings.has(name) ? "this key is there twice" : undefined;
  }

  #visitSequence(sequence: YAMLSeq, keyOffset: number, depth: number): Visited {
    const value: unknown[] = [];
    const children = new Map<string, Place>();
    const start = offsetOf(sequence) ?? keyOffset;
    for (const item of sequence.items) {
      if (this.#gaveUp) break;
      const child = this.visit(item, offsetOf(item) ?? start, depth + 1);
      children.set(String(value.length), child.place);
      value.push(child.value);
    }
    return { value, place: { keyOffset, valueOffset: start, children } };
  }

  #visitScalar(scalar: Scalar, keyOffset: number): Visited {
    const empty = scalar.type === "PLAIN" && /^(?:|~|null)$/.test(scalar.source ?? "");
    // An empty value has an offset after the colon, or on the next line; its key is what the reader looks for.
    if (empty) return leaf(null, keyOffset, keyOffset);
    const offset = offsetOf(scalar) ?? keyOffset;
    const filled = substitute(restoreReferences(String(scalar.value)), this.#env);
    if ("text" in filled) return leaf(filled.text, keyOffset, offset);
    for (const message of filled.faults) this.faults.push({ offset, message });
    return leaf(UNRESOLVED, keyOffset, offset);
  }

  /** Ends the walk: once a bound is reached, going on would only multiply the work and the faults. */
  #giveUp(offset: number, message: string): Visited {
    this.#gaveUp = true;
    this.faults.push({ offset, message });
    return leaf(UNRESOLVED, offset, offset);
  }
}

function leaf(value: unknown, keyOffset: number, valueOffset: number): Visited {
  return { value, place: { keyOffset, valueOffset, children: new Map() } };
}

function offsetOf(node: unknown): number | undefined {
  return isAlias(node) || isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined;
}
