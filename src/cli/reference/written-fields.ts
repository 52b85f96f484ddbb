/** What a writer of requests adds to a plain request where it is asked for more, as paths for a reader of documents. */

type Leaves = ReadonlyMap<string, unknown>;

/** Says what an element is rather than anything about it. */
const NAMES_OF_KINDS = ["type", "role"] as const;

/**
 * @param asked what the request was asked for: its own values are not told again.
 * @returns `` `path` `` or `` `path: value` `` for each leaf of `written` that `plain` does not have.
 */
export function addedFields(plain: unknown, written: unknown, asked: unknown): readonly string[] {
  const known = leavesOf(plain);
  const own = new Set(leavesOf(asked).values());
  const added = [...leavesOf(written)].filter(([path, value]) => known.get(path) !== value);
  return added.map(([path, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const isChosen = value !== null && !own.has(value) && !/[{ ]/.test(text);
    return isChosen ? `\`${path}: ${text}\`` : `\`${path}\``;
  });
}

function leavesOf(value: unknown): Leaves {
  const leaves = new Map<string, unknown>();
  gather(value, "", leaves);
  return leaves;
}

function gather(value: unknown, path: string, leaves: Map<string, unknown>): void {
  if (Array.isArray(value)) {
    for (const element of value as readonly unknown[]) gather(element, `${path}[${kindOf(element)}]`, leaves);
  } else if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value);
    // A JSON Schema is one thing.
    if (entries.length === 0 || Object.hasOwn(value, "properties")) leaves.set(path, JSON.stringify(value));
    else {
      const told = path.endsWith("]") ? entries.filter(([key]) => !NAMES_OF_KINDS.includes(key as "type")) : entries;
      for (const [key, inner] of told) gather(inner, path === "" ? key : `${path}.${key}`, leaves);
    }
  } else leaves.set(path, value);
}

function kindOf(element: unknown): string {
  if (typeof element !== "object" || element === null) return "";
  for (const name of NAMES_OF_KINDS) {
    const kind = (element as Readonly<Record<string, unknown>>)[name];
    if (typeof kind === "string") return kind;
  }
  return "";
}
