/** What the kernel says about the host, read from its files below a root that a test can choose. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** @param path below `root`, e.g. `proc/self/limits`. @returns its text; `undefined` where there is none or it can't be read. */
export function readHostText(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return undefined;
  }
}

/** @returns the file's whole number, `Infinity` for `max` and `unlimited`; `undefined` where there is none. */
export function readHostNumber(root: string, path: string): number | undefined {
  return parseHostNumber(readHostText(root, path));
}

/** See {@link readHostNumber}. Negative numbers, with which old interfaces say that there is no limit, are `Infinity` too. */
export function parseHostNumber(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  if (trimmed === "max" || trimmed === "unlimited" || /^-\d+$/.test(trimmed)) return Infinity;
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}
