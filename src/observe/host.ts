/** The host as far as it decides how many streams it can hold. */
import { availableParallelism, release, type } from "node:os";
import { join } from "node:path";
import { cgroupHierarchies } from "./cgroup.ts";
import { parseHostNumber, readHostNumber, readHostText } from "./host-file.ts";
import { readMemory } from "./memory.ts";
import type { MemoryFacts } from "./memory.ts";
import { readNetwork } from "./network.ts";
import type { NetworkFacts } from "./network.ts";
import { readOpenFiles } from "./open-files.ts";
import type { OpenFileFacts } from "./open-files.ts";

/** Facts about the host and this process's share of it. `undefined` where something can't be known. */
export interface HostFacts {
  /** e.g. `Linux 6.18.44`. */
  readonly system: string;
  /** Without a `v`. */
  readonly nodeVersion: string;
  readonly cpus: CpuFacts;
  readonly openFiles: OpenFileFacts & {
    /** The kernel's own bound on a process's limit (`fs.nr_open`). */
    readonly highest: number | undefined;
  };
  readonly memory: MemoryFacts;
  readonly network: NetworkFacts;
}

interface CpuFacts {
  /** What Node thinks that can run at once; as many loops are started by `workers: auto`. */
  readonly parallelism: number;
  /** CPUs that the process's control groups grant, possibly a fraction. `undefined` where there is no such limit. */
  readonly quota: number | undefined;
}

/** What a config is held against. `Infinity` where there is no limit or it can't be known. */
export interface HostLimits {
  /** For this process. */
  readonly openFiles: number;
  /** Connections at a time to one upstream address. */
  readonly portsPerAddress: number;
  readonly memoryBytes: number;
  /** At least 1. */
  readonly cpus: number;
}

/** Reads some twenty small files. @param root where `proc` and `sys` are. */
export function readHostFacts(root = "/"): HostFacts {
  return {
    // Without what a distributor has put behind the version.
    system: `${type()} ${release().split("-", 1)[0]}`,
    nodeVersion: process.versions.node,
    cpus: { parallelism: availableParallelism(), quota: readCpuQuota(root) },
    openFiles: { ...readOpenFiles(root), highest: readHostNumber(root, "proc/sys/fs/nr_open") },
    memory: readMemory(root),
    network: readNetwork(root),
  };
}

/** The facts that bound what a config may ask for. */
export function hostLimits({ openFiles, network, memory, cpus }: HostFacts): HostLimits {
  return {
    openFiles: openFiles.soft ?? Infinity,
    portsPerAddress: network.ephemeralPorts?.usable ?? Infinity,
    memoryBytes: memory.limitBytes,
    cpus: Math.max(1, Math.min(cpus.parallelism, Math.ceil(cpus.quota ?? Infinity))),
  };
}

/** Version 2 has one file, `200000 100000` or `max 100000`; version 1 has two, with -1 for no limit. */
function readCpuQuota(root: string): number | undefined {
  let quota = Infinity;
  for (const { version, directories } of cgroupHierarchies(root, "cpu")) {
    for (const directory of directories) {
      const [granted, period] =
        version === 2
          ? (readHostText(root, join(directory, "cpu.max")) ?? "").split(" ").map(parseHostNumber)
          : ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map((name) => readHostNumber(root, join(directory, name)));
      if (granted !== undefined && period !== undefined && period > 0) quota = Math.min(quota, granted / period);
    }
  }
  return quota === Infinity ? undefined : quota;
}
