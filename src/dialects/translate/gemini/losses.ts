/** What of a `generateContent` request has no place. */
import { fieldTable, Losses } from "../losses.ts";
import { GEMINI_FIELDS } from "./fields.ts";

const TABLE = fieldTable(GEMINI_FIELDS, (path) => path.replace(/^systemInstruction\.parts/, "contents[].parts"));

/** Of one request. */
export function geminiLosses(): Losses {
  return new Losses(TABLE);
}
