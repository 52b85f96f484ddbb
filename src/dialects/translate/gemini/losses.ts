/** Gathers what of a request has no place, field by field, as the table in `fields.ts` has it. */
import type { Fields } from "../json-pick.ts";
import type { Loss } from "../translation.ts";
import { GEMINI_FIELDS } from "./fields.ts";

const ROWS = new Map(GEMINI_FIELDS.map((row) => [row.field, row]));
const UNKNOWN = "is no field that other APIs have";
const MISPLACED = "means nothing here";

/** One request's losses. */
export class Losses {
  readonly found: Loss[] = [];

  /** A value that can go missing where the config is lenient. */
  lose(field: string, reason: string): void {
    this.found.push({ field, reason });
  }

  /** One whose absence would falsify the conversation. */
  refuse(field: string, reason: string): void {
    this.found.push({ field, reason, essential: true });
  }

  /** Whatever of `fields` nobody has read. */
  unread(fields: Fields): void {
    for (const key of fields.unread()) {
      const path = fields.pathOf(key);
      const row = ROWS.get(path.replaceAll(/\[\d+\]/g, "[]").replace(/^systemInstruction\.parts/, "contents[].parts"));
      if (row === undefined) this.lose(path, UNKNOWN);
      else if (row.fate === "carried") this.lose(path, MISPLACED);
      else if (row.fate === "harmless" || row.harmlessWhen?.(fields.value(key)) === true) continue;
      else if (row.fate === "refused") this.refuse(path, row.note);
      else this.lose(path, row.note);
    }
  }
}
