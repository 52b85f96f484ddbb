/** Config text → snapshot, or everything that is wrong with it. */
import { dirname, resolve } from "node:path";
import type { z } from "zod";

import { buildSnapshot } from "./build-snapshot.ts";
import { crossCheck } from "./cross-checks.ts";
import { didYouMean } from "./nearest-name.ts";
import { CONFIG } from "./schema.ts";
import type { ConfigNode, Shape } from "./setting.ts";
import type { ConfigSnapshot } from "./snapshot.ts";
import { TextLines } from "./text-lines.ts";
import type { Position } from "./text-lines.ts";
import { checkTlsFiles } from "./tls-files.ts";
import type { Report } from "./written.ts";
import { parseYamlTree, UNRESOLVED } from "./yaml-tree.ts";
import type { ConfigTree, OffsetFault, Place } from "./yaml-tree.ts";

/** Something wrong in a config, and where. */
export interface Fault extends Position {
  /** As it was given. */
  readonly file: string;
  /** Never holds a value that stands in the config or the environment. */
  readonly message: string;
}

/** A config, or its faults (at least one), in the order of the text. */
export type LoadResult = { readonly config: ConfigSnapshot } | { readonly faults: readonly Fault[] };

/** The largest config that is read. */
export const MAX_CONFIG_BYTES = 1024 * 1024;

/** More are not told: whoever has so many reads the first. */
const MAX_FAULTS = 100;

interface LoadOptions {
  /** For the faults and the snapshot's `source`. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What file names in the config are relative to. @default the directory of `file` */
  readonly directory?: string;
}

/** Reads a config. Tells all faults at once (the first 100); never throws. */
export function loadConfig(text: string, options: LoadOptions): LoadResult {
  const { file, env, directory = dirname(resolve(file)) } = options;
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) {
    return { faults: [{ file, line: 1, column: 1, message: "a config is at most 1 MiB" }] };
  }
  const source = text.replace(/^\uFEFF/, "");
  const tree = parseYamlTree(source, env);
  const found: OffsetFault[] = [...tree.faults];
  if (!tree.broken) {
    const report: Report = (path, at, message) => found.push(locate(tree, path, at, message));
    const parsed = CONFIG.schema.safeParse(tree.value);
    for (const issue of parsed.error?.issues ?? []) reportIssue(issue, tree, report);
    crossCheck(tree.value, report);
    checkTlsFiles(tree.value, directory, report);
    if (found.length === 0 && parsed.success) {
      return { config: buildSnapshot(parsed.data, { source: file, directory }) };
    }
  }
  const lines = new TextLines(source);
  const inOrder = found.sort((a, b) => a.offset - b.offset);
  const faults = inOrder.map(({ offset, message }): Fault => {
    const { line, column } = lines.positionOf(offset);
    return { file, line, column, message };
  });
  return { faults: withoutRepeats(faults).slice(0, MAX_FAULTS) };
}

/** Something that an alias brings in twice is wrong once. */
function withoutRepeats(faults: readonly Fault[]): Fault[] {
  const told = new Map(faults.map((fault) => [`${fault.line}:${fault.column}:${fault.message}`, fault]));
  return [...told.values()];
}

function reportIssue(issue: z.core.$ZodIssue, tree: ConfigTree, report: Report): void {
  const path = issue.path.map(String);
  if (valueAt(tree.value, path) === UNRESOLVED) return;
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(path);
    for (const name of issue.keys) report([...path, name], "key", unknownKeyMessage(name, path, known));
  } else if (issue.code === "invalid_key") {
    for (const { message } of issue.issues) report(path, "key", message);
  } else {
    report(path, "value", path.length === 0 ? issue.message : `${display(path)}: ${issue.message}`);
  }
}

function unknownKeyMessage(name: string, path: readonly string[], known: readonly string[]): string {
  // Anything else is not a key that someone got wrong but a text in its place, such as `api_key:sk-…` without the space.
  const shown = /^[A-Za-z_][A-Za-z0-9_-]{0,40}$/.test(name) ? ` \`${name}\`` : "";
  const where = path.length === 0 ? "" : ` in ${display(path)}`;
  return `unknown key${shown}${where}${didYouMean(name, known)}`;
}

/** A path for reading, e.g. `upstreams.gpus.endpoints[0].url`; names that are not plainly names are left out. */
function display(path: readonly string[]): string {
  const steps = path.map((step) => {
    if (/^\d+$/.test(step)) return `[${step}]`;
    return /^[\w*/@.-]{1,64}$/.test(step) ? `.${step}` : ".…";
  });
  return steps.join("").replace(/^\./, "");
}

function knownKeys(path: readonly string[]): readonly string[] {
  let node: ConfigNode<unknown> | undefined = CONFIG;
  for (const step of path) {
    const shape: Shape | undefined = node?.shape;
    if (shape === undefined || shape.kind === "value") return [];
    node = shape.kind === "section" ? shape.keys[step]?.node : shape.item;
  }
  return node?.shape.kind === "section" ? Object.keys(node.shape.keys) : [];
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Readonly<Record<string, unknown>>)[step];
  }
  return current;
}

/** Where a path is written. What is missing is told at the nearest thing around it that is there. */
function locate(tree: ConfigTree, path: readonly string[], at: "key" | "value", message: string): OffsetFault {
  let place: Place = tree.place;
  for (const step of path) {
    const child = place.children.get(step);
    if (child === undefined) return { offset: place.keyOffset, message };
    place = child;
  }
  return { offset: at === "key" ? place.keyOffset : place.valueOffset, message };
}
