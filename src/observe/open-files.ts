/** How many files, sockets included, this process may have open, and has. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseHostNumber, readHostText } from "./host-file.ts";

/** `Infinity` stands for no limit. */
export interface OpenFileFacts {
  /** The limit that holds. Node raises it to `hard` when it starts. `undefined` where it can't be known. */
  readonly soft: number | undefined;
  /** How far the process may raise its own. */
  readonly hard: number | undefined;
  readonly open: number | undefined;
}

/** @param root where `proc` is. The limits have a second source, where there is no `/proc`. */
export function readOpenFiles(root = "/"): OpenFileFacts {
  const row = /^Max open files +(\S+) +(\S+)/m.exec(readHostText(root, "proc/self/limits") ?? "");
  const limits = row === null ? reportedLimits() : { soft: parseHostNumber(row[1]), hard: parseHostNumber(row[2]) };
  return { ...limits, open: countOpen(root) };
}

/**
 * Files, sockets included, that this process may have open: the soft limit, which Node has raised to the hard one at
 * start. `Infinity` where there is none or it can't be known. It does not change while the process runs, unless another
 * changes it (`prlimit`).
 *
 * @param root where `proc` is.
 */
export function openFileLimit(root = "/"): number {
  return readOpenFiles(root).soft ?? Infinity;
}

/** What Node's own diagnostic report says; a few milliseconds. */
function reportedLimits(): { soft: number | undefined; hard: number | undefined } {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: number | string; readonly hard: number | string } };
  };
  const limits = userLimits?.open_files;
  return { soft: parseHostNumber(String(limits?.soft)), hard: parseHostNumber(String(limits?.hard)) };
}

function countOpen(root: string): number | undefined {
  try {
    // One is the directory that is being read.
    return Math.max(0, readdirSync(join(root, "proc/self/fd")).length - 1);
  } catch {
    return undefined;
  }
}
