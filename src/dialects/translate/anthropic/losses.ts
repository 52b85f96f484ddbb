/** What of a Messages request has no place. */
import { fieldTable, Losses } from "../losses.ts";
import { ANTHROPIC_FIELDS } from "./fields.ts";

/** The blocks of the system prompt and of a tool's result are those of a message. */
const TABLE = fieldTable(ANTHROPIC_FIELDS, (path) =>
  path.replace(/^system\[\]/, "messages[].content[]").replace("content[].content[]", "content[]"),
);

/** Of one request. */
export function anthropicLosses(): Losses {
  return new Losses(TABLE);
}
