/** Gathers what of a request has no place, field by field, as the table in `fields.ts` has it. */
import type { Fields } from "../json-pick.ts";
import type { Loss } from "../translation.ts";
import { ANTHROPIC_FIELDS } from "./fields.ts";

const ROWS = new Map(ANTHROPIC_FIELDS.map((row) => [row.field, row]));
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

  /** Whatever of `fields` nobody has read, but for what its row says is harmless. Called when all that has a place has been read. */
  unread(fields: Fields): void {
    for (const key of fields.unread()) {
      const path = fields.pathOf(key);
      const row = ROWS.get(rowOf(path));
      if (row === undefined) this.lose(path, UNKNOWN);
      else if (row.fate === "harmless" || row.isHarmless?.(fields.value(key)) === true) continue;
      else if (row.fate === "refused") this.refuse(path, row.note);
      else this.lose(path, row.note);
    }
  }
}

/** The blocks of the system prompt and of a tool's result are those of a message. */
function rowOf(path: string): string {
  return path
    .replaceAll(/\[\d+\]/g, "[]")
    .replace(/^system\[\]/, "messages[].content[]")
    .replace("content[].content[]", "content[]");
}
