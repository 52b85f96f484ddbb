/** A row of the reference of what becomes of each field of a request; every dialect's `fields.ts` is a list of these. */

/** What becomes of one field that callers may send. */
export interface FieldRow {
  /** Its path, such as `tools[].function.strict`. */
  readonly field: string;
  /**
   * `carried`: it has a place in the common form. `harmless`: passed over without a word, since nothing is lost by it.
   * `lost`: refused by name, or dropped by name where the config is lenient. `refused`: refused however lenient.
   */
  readonly fate: "carried" | "harmless" | "lost" | "refused";
  /** As what it is carried, or why it isn't. */
  readonly note: string;
}
