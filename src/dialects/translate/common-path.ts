/** Names of parts in the common form, for losses. */
import type { CommonRequest } from "./common.ts";

/** @returns a part's name, such as `messages[1].parts[0]`. The part is one of the messages or of a tool's result, not a copy. */
export type PathOfPart = (part: object) => string;

/** Finds them when the first is asked for: few requests lose anything, and some everything. */
export function pathsOf(messages: CommonRequest["messages"]): PathOfPart {
  let paths: ReadonlyMap<object, string> | undefined;
  return (part) => {
    paths ??= allPaths(messages);
    return paths.get(part) ?? "messages";
  };
}

function allPaths(messages: CommonRequest["messages"]): ReadonlyMap<object, string> {
  const paths = new Map<object, string>();
  for (const [i, { parts }] of messages.entries()) {
    for (const [j, part] of parts.entries()) {
      const path = `messages[${i}].parts[${j}]`;
      paths.set(part, path);
      if (part.kind !== "tool_result") continue;
      for (const [k, inner] of part.content.entries()) paths.set(inner, `${path}.content[${k}]`);
    }
  }
  return paths;
}
