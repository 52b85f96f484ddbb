/**
 * Puts a call's arguments together from the pieces in which Vertex streams them where it is asked to: a JSON path
 * (https://www.rfc-editor.org/rfc/rfc9535, names and indices alone) and a value each, strings in several.
 */
import { at, elements } from "../../json-access.ts";

/** As deep as a request may be. */
const MAX_DEPTH = 128;
/** Of one call's pieces, paths and all. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

const STEP = /\.([^.[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;

type Container = Record<string, unknown> | unknown[];

/** One call's. */
export class PartialArguments {
  readonly #root: Record<string, unknown> = {};
  #characters = 0;
  /** Where a string goes on. */
  #openPath: string | undefined;

  /** @param pieces `partialArgs` as it came. @returns whether all of it could be put somewhere, and was not too much. */
  add(pieces: unknown): boolean {
    return elements(pieces).every((piece) => this.#addOne(piece));
  }

  /** What there is so far, as JSON. */
  json(): string {
    return JSON.stringify(this.#root);
  }

  #addOne(piece: unknown): boolean {
    const path = at(piece, "jsonPath");
    const steps = typeof path === "string" ? stepsOf(path) : undefined;
    if (steps === undefined) return false;
    const value = valueOf(piece);
    this.#characters += (path as string).length + (typeof value === "string" ? value.length : 0);
    if (this.#characters > MAX_CHARACTERS) return false;
    if (value === undefined) return true;
    const goesOn = this.#openPath === path && typeof value === "string";
    this.#openPath = at(piece, "willContinue") === true ? (path as string) : undefined;
    return place(this.#root, steps, value, goesOn);
  }
}

/** @returns the names and indices; `undefined` where there are none or others. */
function stepsOf(path: string): (string | number)[] | undefined {
  if (!path.startsWith("$")) return undefined;
  const steps: (string | number)[] = [];
  let position = 1;
  while (position < path.length && steps.length <= MAX_DEPTH) {
    STEP.lastIndex = position;
    const [whole, name, index, single, double] = STEP.exec(path) ?? [];
    if (whole === undefined) return undefined;
    const quoted = single ?? double;
    steps.push(index === undefined ? (name ?? quoted!.replaceAll(/\\(.)/g, "$1")) : Number(index));
    position += whole.length;
  }
  return steps.length === 0 || steps.length > MAX_DEPTH ? undefined : steps;
}

function valueOf(piece: unknown): unknown {
  if (at(piece, "nullValue") !== undefined) return null;
  return at(piece, "stringValue") ?? at(piece, "numberValue") ?? at(piece, "boolValue");
}

function place(root: Container, steps: readonly (string | number)[], value: unknown, goesOn: boolean): boolean {
  let here = root;
  for (const [i, step] of steps.entries()) {
    // A list grows by one element at a time: an index far beyond its end would make a list of holes.
    if (Array.isArray(here) ? typeof step !== "number" || step > here.length : typeof step === "number") return false;
    const held = at(here, step);
    if (i === steps.length - 1) {
      set(here, step, goesOn && typeof held === "string" ? held + (value as string) : value);
      return true;
    }
    if (held !== undefined && (typeof held !== "object" || held === null)) return false;
    const next = (held ?? (typeof steps[i + 1] === "number" ? [] : {})) as Container;
    if (held === undefined) set(here, step, next);
    here = next;
  }
  return false;
}

/** Defined, not assigned: `__proto__` is a name like any other. */
function set(container: Container, step: string | number, value: unknown): void {
  Object.defineProperty(container, step, { value, writable: true, enumerable: true, configurable: true });
}
