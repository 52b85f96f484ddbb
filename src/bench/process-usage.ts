/**
 * CPU time and memory of another process, its children included, from `/proc`. Linux only: elsewhere everything here
 * answers `null`, and the report says that it is not available.
 */

import { readdirSync, readFileSync } from "node:fs";

/** Kernel ticks a second in `/proc/PID/stat`; 100 on every Linux that Node runs on. Source: proc(5), sysconf(3). */
const TICKS_PER_SECOND = 100;
/** Processes of one tree looked at, at most. */
const MAX_TREE = 256;

/** A process tree's use of the machine at one moment. */
export interface ProcessUsage {
  /** User and system time so far, microseconds, of the processes alive now. Resolution 10 ms. */
  readonly cpuUs: number;
  /** Resident memory now, bytes, summed over the tree (shared pages count once for each process). */
  readonly rssBytes: number;
  /** The most that was ever resident (`VmHWM`), bytes, summed over the tree. */
  readonly peakRssBytes: number;
}

/**
 * Reads what `members` use now, together.
 *
 * @param members from {@link processTree}. Listing them takes milliseconds, so who reads often lists once.
 * @returns `null` when none of them is there or there is no `/proc`.
 */
export function readProcessUsage(members: readonly number[]): ProcessUsage | null {
  let cpuTicks = 0;
  let rssKib = 0;
  let peakKib = 0;
  let found = false;
  for (const member of members) {
    try {
      // The name, in parentheses, may hold spaces and parentheses itself; fields are counted after its end.
      const stat = readFileSync(`/proc/${member}/stat`, "latin1");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const status = readFileSync(`/proc/${member}/status`, "latin1");
      cpuTicks += Number(fields[11]) + Number(fields[12]);
      rssKib += Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
      peakKib += Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
      found = true;
    } catch {
      // Gone between the listing and the reading.
    }
  }
  if (!found) return null;
  return { cpuUs: (cpuTicks * 1e6) / TICKS_PER_SECOND, rssBytes: rssKib * 1024, peakRssBytes: peakKib * 1024 };
}

/** `pid` and everything below it. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of parents()) {
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [child]);
    else siblings.push(child);
  }
  const tree = [pid];
  for (let at = 0; at < tree.length && tree.length < MAX_TREE; at++) tree.push(...(children.get(tree[at]!) ?? []));
  return tree;
}

function parents(): [number, number][] {
  const found: [number, number][] = [];
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return found;
  }
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      found.push([Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])]);
    } catch {
      // Gone since the listing.
    }
  }
  return found;
}
