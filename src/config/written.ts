/** Looks into a config as it was written: a tree of maps, sequences and texts in which anything may be missing or of the wrong kind. */

/** Takes a fault: where it is, and whether the key or the value is at fault. */
export type Report = (path: readonly string[], at: "key" | "value", message: string) => void;

/** A map as written. */
export type WrittenMap = Readonly<Record<string, unknown>>;

/** The map at `path` in a tree of values, empty when there is none. */
export function mapAt(tree: unknown, ...path: readonly string[]): WrittenMap {
  let current = tree;
  for (const name of path) current = isMap(current) && Object.hasOwn(current, name) ? current[name] : undefined;
  return isMap(current) ? current : {};
}

/** The texts of a sequence, with their places in it; anything else is passed over. */
export function textsOf(written: unknown): { readonly index: number; readonly text: string }[] {
  if (!Array.isArray(written)) return [];
  return written.flatMap((item: unknown, index) =>
    typeof item === "string" && item !== "" ? [{ index, text: item }] : [],
  );
}

/** Whether it is a map. */
export function isMap(written: unknown): written is WrittenMap {
  return typeof written === "object" && written !== null && !Array.isArray(written);
}
