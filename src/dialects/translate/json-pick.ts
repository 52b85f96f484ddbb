/**
 * Reading unknown JSON that should have a certain shape: typed, by own keys alone, with the path of what is wrong.
 *
 * A wrong type is thrown as a {@link FieldFault} and caught by {@link reading}, so that a reader is a plain list of fields.
 * `null` counts as not said, as the official APIs have it. What was never asked for can be listed afterwards, so that no
 * field is passed over in silence.
 */
import type { RequestFault } from "./translation.ts";

/** A field that is not what its API says. Thrown by {@link Fields} and caught by {@link reading}; not an `Error`. */
export class FieldFault implements RequestFault {
  readonly field: string;
  readonly message: string;

  /** @param field its path, such as `messages[0].content`. @param message in the caller's words, such as "must be a string". */
  constructor(field: string, message: string) {
    this.field = field;
    this.message = message;
  }
}

/** @returns what `read` returns, or the fault that it met. */
export function reading<Result>(read: () => Result): Result | FieldFault {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof FieldFault) return fault;
    throw fault;
  }
}

/** Whether `value` is a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Limits of a number. */
interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** One JSON object, and which of its keys have been read. */
export class Fields {
  /** Where the object stands; empty for the body itself. */
  readonly path: string;
  readonly #record: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();

  /** @throws {FieldFault} where `value` is no object. */
  constructor(value: unknown, path = "") {
    if (!isRecord(value)) throw new FieldFault(path, "must be an object");
    this.#record = value;
    this.path = path;
  }

  /** The path of `key`, such as `tools[0].function.name`. */
  pathOf(key: string): string {
    return this.path === "" ? key : `${this.path}.${key}`;
  }

  /** Throws the fault of `key`. */
  fault(key: string, message: string): never {
    throw new FieldFault(this.pathOf(key), message);
  }

  /** Whether `key` is there and not `null`. Does not count as reading it. */
  has(key: string): boolean {
    return Object.hasOwn(this.#record, key) && this.#record[key] !== null && this.#record[key] !== undefined;
  }

  /** The value as it is; `undefined` where it is missing or `null`. */
  value(key: string): unknown {
    this.#read.add(key);
    return this.has(key) ? this.#record[key] : undefined;
  }

  string(key: string): string | undefined {
    const value = this.value(key);
    if (value !== undefined && typeof value !== "string") this.fault(key, "must be a string");
    return value;
  }

  requiredString(key: string): string {
    return this.string(key) ?? this.fault(key, "is missing");
  }

  boolean(key: string): boolean | undefined {
    const value = this.value(key);
    if (value !== undefined && typeof value !== "boolean") this.fault(key, "must be true or false");
    return value;
  }

  number(key: string, range: Range = {}): number | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value !== "number") this.fault(key, "must be a number");
    if (range.min !== undefined && value < range.min) this.fault(key, `must be at least ${range.min}`);
    if (range.max !== undefined && value > range.max) this.fault(key, `must be at most ${range.max}`);
    return value;
  }

  integer(key: string, range: Range = {}): number | undefined {
    const value = this.number(key, range);
    if (value !== undefined && !Number.isSafeInteger(value)) this.fault(key, "must be a whole number");
    return value;
  }

  oneOf<Word extends string>(key: string, words: readonly Word[]): Word | undefined {
    const value = this.string(key);
    if (value === undefined) return undefined;
    const found = words.find((word) => word === value);
    return found ?? this.fault(key, `must be one of ${words.join(", ")}`);
  }

  /** An object whose inside is nobody's business here, such as a JSON Schema. */
  record(key: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.value(key);
    if (value !== undefined && !isRecord(value)) this.fault(key, "must be an object");
    return value;
  }

  object(key: string): Fields | undefined {
    const value = this.value(key);
    return value === undefined ? undefined : new Fields(value, this.pathOf(key));
  }

  requiredObject(key: string): Fields {
    return this.object(key) ?? this.fault(key, "is missing");
  }

  list(key: string): readonly unknown[] | undefined {
    const value = this.value(key);
    if (value !== undefined && !Array.isArray(value)) this.fault(key, "must be an array");
    return value as readonly unknown[] | undefined;
  }

  /** A list of objects; empty where it is missing. */
  objects(key: string): readonly Fields[] {
    return (this.list(key) ?? []).map((value, i) => new Fields(value, `${this.pathOf(key)}[${i}]`));
  }

  /** A list of strings; `undefined` where it is missing. */
  strings(key: string): readonly string[] | undefined {
    return this.list(key)?.map((value, i) =>
      typeof value === "string" ? value : this.fault(`${key}[${i}]`, "must be a string"),
    );
  }

  /** The keys that are there, are not `null`, and that nobody has asked for. */
  unread(): readonly string[] {
    return Object.keys(this.#record).filter((key) => this.has(key) && !this.#read.has(key));
  }
}
