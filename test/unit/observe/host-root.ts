import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryDirectory } from "../config/temporary-directory.ts";

/** A root with `proc` and `sys` as a test wants them: path → text. */
export function hostRoot(context: TestContext, files: Readonly<Record<string, string>>): string {
  const root = temporaryDirectory(context);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** A machine of 8 GiB, 6 of them available. */
export const MEMINFO = "MemTotal:        8388608 kB\nMemFree:          100000 kB\nMemAvailable:    6291456 kB\n";

/** A machine with version 2 of the control groups, the process in `/system.slice/headwaiter.service`. */
export const VERSION_2 = {
  "proc/meminfo": MEMINFO,
  "proc/self/cgroup": "0::/system.slice/headwaiter.service\n",
  "proc/self/mountinfo":
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" +
    "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n",
} as const;
