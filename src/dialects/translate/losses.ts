/** Gathers what of a request has no place, field by field, as the dialect's table of fields has it. */
import type { FieldRow } from "./field-row.ts";
import type { Fields } from "./json-pick.ts";
import { Places } from "./places.ts";
import type { Loss } from "./translation.ts";

const UNKNOWN = "is no field that other APIs have";
const MISPLACED = "means nothing here";

/** A dialect's rows, found by the path of a field. */
export type FieldTable = (path: string) => FieldRow | undefined;

/** @param rowOf the path as the rows have it, where that is another: parts of a tool's result have the fields of a message's. */
export function fieldTable(rows: readonly FieldRow[], rowOf: (path: string) => string = (path) => path): FieldTable {
  const byField = new Map(rows.map((row) => [row.field, row]));
  return (path) => byField.get(rowOf(path.replaceAll(/\[\d+\]/g, "[]")));
}

/** One request's losses, and where what has been read stands in it. */
export class Losses {
  readonly found: Loss[] = [];
  readonly places = new Places();
  readonly #table: FieldTable;

  constructor(table: FieldTable) {
    this.#table = table;
  }

  /** A value that can go missing where the config is lenient. @param field its path. @param reason in the caller's words. */
  lose(field: string, reason: string): void {
    this.found.push({ field, reason });
  }

  /** One whose absence would falsify the conversation. */
  refuse(field: string, reason: string): void {
    this.found.push({ field, reason, essential: true });
  }

  /** One that is worth no more than being told of. */
  warn(field: string, reason: string): void {
    this.found.push({ field, reason, warning: true });
  }

  /**
   * Whatever of `fields` nobody has read, but for what its row says is harmless. To be called when all that has a place has been read.
   * @param ignored keys that mean nothing here.
   */
  unread(fields: Fields, ...ignored: readonly string[]): void {
    for (const key of fields.unread()) {
      if (ignored.includes(key)) continue;
      const path = fields.pathOf(key);
      const row = this.#table(path);
      if (row === undefined) this.lose(path, UNKNOWN);
      else if (row.fate === "carried") this.lose(path, MISPLACED);
      else if (row.fate === "harmless" || row.harmlessWhen?.(fields.value(key)) === true) continue;
      else if (row.fate === "refused") this.refuse(path, row.note);
      else if (row.fate === "warned") this.warn(path, row.note);
      else this.lose(path, row.note);
    }
  }
}
