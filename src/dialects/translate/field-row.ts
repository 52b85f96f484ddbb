/** A row of the reference of what becomes of each field of a request; every dialect's `fields.ts` is a list of these. */

/** What becomes of one field that callers may send. */
export interface FieldRow {
  /** Its path, such as `tools[].function.strict`. */
  readonly field: string;
  /**
   * `carried`: it has a place in the common form. `harmless`: passed over without a word, since nothing is lost by it.
   * `warned`: dropped by name, however strict. `lost`: refused by name, or dropped by name where the config is lenient.
   * `refused`: refused however lenient.
   */
  readonly fate: "carried" | "harmless" | "warned" | "lost" | "refused";
  /** As what it is carried, or why it isn't. */
  readonly note: string;
  /** Tells the values by which nothing is lost. `null` and leaving the field out never lose anything. */
  readonly harmlessWhen?: (value: unknown) => boolean;
}

/** See {@link FieldRow}'s `fate`. */
export function carried(field: string, note = ""): FieldRow {
  return { field, fate: "carried", note };
}

/** See {@link FieldRow}'s `fate`. */
export function harmless(field: string, note: string): FieldRow {
  return { field, fate: "harmless", note };
}

/** See {@link FieldRow}'s `fate`. */
export function warned(field: string, note: string, harmlessWhen?: FieldRow["harmlessWhen"]): FieldRow {
  return { field, fate: "warned", note, ...(harmlessWhen === undefined ? {} : { harmlessWhen }) };
}

/** See {@link FieldRow}'s `fate`. */
export function lost(field: string, note: string, harmlessWhen?: FieldRow["harmlessWhen"]): FieldRow {
  return { ...warned(field, note, harmlessWhen), fate: "lost" };
}

/** See {@link FieldRow}'s `fate`. */
export function refused(field: string, note: string, harmlessWhen?: FieldRow["harmlessWhen"]): FieldRow {
  return { ...warned(field, note, harmlessWhen), fate: "refused" };
}

/** @returns whether a value is one of these; arrays and objects are compared as JSON. */
export function isOneOf(...values: readonly unknown[]): (value: unknown) => boolean {
  const texts = new Set(values.map((value) => JSON.stringify(value)));
  return (value) => texts.has(JSON.stringify(value));
}

/** Whether an array or object has nothing in it. */
export function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
