/** Which config a command works with, and reading it. */
import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";

import { loadConfig, MAX_CONFIG_BYTES } from "./load.ts";
import type { LoadResult } from "./load.ts";

/** The file that is looked for in the working directory. */
export const DEFAULT_CONFIG_FILE = "headwaiter.yaml";

/** A file, or none: the demo. */
export type FoundConfig = { readonly kind: "file"; readonly file: string } | { readonly kind: "demo" };

interface FindOptions {
  /** What `--config` names, if it was given. */
  readonly flag: string | undefined;
  readonly cwd: string;
}

/** The flag, else `headwaiter.yaml` in `cwd` if there is anything of that name, else the demo. Never fails. */
export async function findConfig({ flag, cwd }: FindOptions): Promise<FoundConfig> {
  if (flag !== undefined) return { kind: "file", file: flag };
  try {
    await stat(resolve(cwd, DEFAULT_CONFIG_FILE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { kind: "demo" };
  }
  return { kind: "file", file: DEFAULT_CONFIG_FILE };
}

interface LoadFileOptions {
  /** Absolute, or relative to `cwd`. Faults show it as it is given. */
  readonly file: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Reads and loads a config file: a regular file in UTF-8, at most 1 MiB. What keeps it from being read is a fault too. */
export async function loadConfigFile({ file, cwd, env }: LoadFileOptions): Promise<LoadResult> {
  const fault = (message: string): LoadResult => ({ faults: [{ file, line: 1, column: 1, message }] });
  const path = resolve(cwd, file);
  let bytes: Buffer;
  try {
    const found = await stat(path);
    // Asked first: opening a pipe would wait for its other end.
    if (!found.isFile()) return fault("is not a file");
    bytes = await readBounded(path);
  } catch (error) {
    return fault(
      (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : "the file cannot be read",
    );
  }
  if (bytes.length > MAX_CONFIG_BYTES) return fault("a config is at most 1 MiB");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return fault("is not UTF-8 text");
  }
  return loadConfig(text, { file, env, directory: resolve(path, "..") });
}

/** The file's bytes; more than the bound means that there are more. */
async function readBounded(path: string): Promise<Buffer> {
  await using handle = await open(path, "r");
  const buffer = Buffer.alloc(MAX_CONFIG_BYTES + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
    length += bytesRead;
    if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
  }
}
