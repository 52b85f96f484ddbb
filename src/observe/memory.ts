/** How much memory this process may use, and how much of that is free. */
import { freemem, totalmem } from "node:os";
import { join } from "node:path";
import { cgroupHierarchies } from "./cgroup.ts";
import { readHostNumber, readHostText } from "./host-file.ts";

/** Which bound holds. `memory.high` does not end a process, but slows all that it does. */
type MemoryBound = "machine" | "memory.max" | "memory.high" | "memory.limit_in_bytes";

/** Bytes. */
export interface MemoryFacts {
  /** The machine's. */
  readonly totalBytes: number;
  /** What this process may use: the least of the machine's and of its control groups' limits. */
  readonly limitBytes: number;
  readonly limitedBy: MemoryBound;
  /** What it can still get, caches that the kernel would give back included. */
  readonly availableBytes: number;
}

/** For each version of the control groups: its limits, what is in use, and which part of that is a cache of files. */
const FILES = {
  1: { limits: ["memory.limit_in_bytes"], usage: "memory.usage_in_bytes", cache: "total_inactive_file" },
  2: { limits: ["memory.max", "memory.high"], usage: "memory.current", cache: "inactive_file" },
} as const;

/** Reads a few small files. @param root where `proc` and `sys` are. */
export function readMemory(root = "/"): MemoryFacts {
  const table = readHostText(root, "proc/meminfo");
  const totalBytes = kibibytes(table, "MemTotal") ?? totalmem();
  let limitBytes = totalBytes;
  let limitedBy: MemoryBound = "machine";
  let availableBytes = kibibytes(table, "MemAvailable") ?? freemem();
  for (const { version, directories } of cgroupHierarchies(root, "memory")) {
    const { limits, usage, cache } = FILES[version];
    for (const directory of directories) {
      for (const name of limits) {
        const bytes = readHostNumber(root, join(directory, name)) ?? Infinity;
        if (bytes < limitBytes) [limitBytes, limitedBy] = [bytes, name];
        // What has no limit has a number near 2^63 in version 1.
        if (bytes >= totalBytes) continue;
        const used = readHostNumber(root, join(directory, usage)) ?? 0;
        const cached = statistic(readHostText(root, join(directory, "memory.stat")), cache);
        availableBytes = Math.min(availableBytes, Math.max(0, bytes - used + cached));
      }
    }
  }
  return { totalBytes, limitBytes, limitedBy, availableBytes };
}

/**
 * What this process may use: the least of its control groups' limits (`memory.max`, `memory.high`, version 1's
 * `memory.limit_in_bytes`) and of the machine's memory. Reads a few small files: not for the hot path. Limits may change
 * while a process runs.
 *
 * @param root where `proc` and `sys` are.
 */
export function memoryLimitBytes(root = "/"): number {
  return readMemory(root).limitBytes;
}

function kibibytes(table: string | undefined, name: string): number | undefined {
  const written = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(table ?? "")?.[1];
  return written === undefined ? undefined : Number(written) * 1024;
}

function statistic(table: string | undefined, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(table ?? "")?.[1] ?? 0);
}
