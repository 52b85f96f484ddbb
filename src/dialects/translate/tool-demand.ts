/** That a call is demanded where there is nothing to call, which no API takes. */
import type { CommonRequest } from "./common.ts";
import type { Loss } from "./translation.ts";

/**
 * Whether there are tools to write, and so a choice among them. Where there are none a demand for a call is lost by name; other
 * choices mean nothing then.
 */
export function hasTools({ tools, toolChoice }: Pick<CommonRequest, "tools" | "toolChoice">, losses: Loss[]): boolean {
  if (tools.length > 0) return true;
  const demandsCall = toolChoice?.kind === "required" || toolChoice?.kind === "named";
  if (demandsCall) losses.push({ field: "toolChoice", reason: "there are no tools to choose from" });
  return false;
}
