/** What of a chat request has no place. */
import { fieldTable, Losses } from "../losses.ts";
import { CHAT_FIELDS } from "./fields.ts";

const TABLE = fieldTable(CHAT_FIELDS);

/** Of one request. */
export function chatLosses(): Losses {
  return new Losses(TABLE);
}
