/** Ids of tool calls: Anthropic takes letters, digits, `_` and `-`. */

const FIT = /^[a-zA-Z0-9_-]+$/;
/** Marks an id of ours. */
const MARK = "hw1_";

/** An id that Anthropic takes: the same for the same `id`, and another's for no other. */
export function anthropicToolId(id: string): string {
  return FIT.test(id) && !id.startsWith(MARK) ? id : MARK + Buffer.from(id, "utf8").toString("base64url");
}
