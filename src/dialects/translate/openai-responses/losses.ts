/** Gathers what of a request has no place, field by field, as the table in `fields.ts` has it. */
import type { Fields } from "../json-pick.ts";
import type { Loss } from "../translation.ts";
import { RESPONSES_FIELDS } from "./fields.ts";

const ROWS = new Map(RESPONSES_FIELDS.map((row) => [row.field, row]));
const UNKNOWN = "is no field that other APIs have";

/** The losses of one request. */
export class Losses {
  readonly list: Loss[] = [];

  /** A value that can go missing where the config is lenient. @param field its path. @param reason in the caller's words. */
  lose(field: string, reason: string): void {
    this.list.push({ field, reason });
  }

  /** One whose absence would falsify the conversation. */
  refuse(field: string, reason: string): void {
    this.list.push({ field, reason, essential: true });
  }

  /** Whatever of `fields` nobody has read, but for what its row says is harmless. */
  unread(fields: Fields): void {
    for (const key of fields.unread()) {
      const path = fields.pathOf(key);
      const row = ROWS.get(rowOf(path));
      if (row === undefined) this.lose(path, UNKNOWN);
      else if (isHarmless(row.fate, row.harmlessValues, fields.value(key))) continue;
      else if (row.fate === "refused") this.refuse(path, row.note);
      else this.lose(path, row.note);
    }
  }
}

/** A function's output has the same parts as a message's content. */
function rowOf(path: string): string {
  return path.replaceAll(/\[\d+\]/g, "[]").replace("input[].output[]", "input[].content[]");
}

function isHarmless(fate: string, values: readonly unknown[] = [], value: unknown): boolean {
  if (fate === "harmless") return true;
  const text = JSON.stringify(value);
  return values.some((harmless) => JSON.stringify(harmless) === text);
}
