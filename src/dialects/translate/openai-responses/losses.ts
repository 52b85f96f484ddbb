/** What of a Responses API request has no place. */
import { fieldTable, Losses } from "../losses.ts";
import { RESPONSES_FIELDS } from "./fields.ts";

/** A function's output has the same parts as a message's content. */
const TABLE = fieldTable(RESPONSES_FIELDS, (path) => path.replace("input[].output[]", "input[].content[]"));

/** Of one request. */
export function responsesLosses(): Losses {
  return new Losses(TABLE);
}
