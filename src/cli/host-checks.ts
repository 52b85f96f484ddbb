/** The checks of `headwaiter doctor` that hold for any number of streams. Pure. */
import type { ConfigSnapshot } from "../config/snapshot.ts";
import { hostLimits } from "../observe/host.ts";
import type { HostFacts } from "../observe/host.ts";
import { showCount, sysctl } from "./host-advice.ts";

/** `unknown`: this platform doesn't say. It is no fault. */
export type CheckStatus = "ok" | "unknown" | "warn" | "fail";

/** One row of the table. */
export interface HostCheck {
  readonly name: string;
  readonly status: CheckStatus;
  /** What is there. */
  readonly found: string;
  /** What to change and why, a line each. */
  readonly change: readonly string[];
}

/** What is looked at. */
export interface CheckedHost {
  readonly facts: HostFacts;
  readonly canSharePort: boolean;
  /** The package's `engines.node`, e.g. `>=24.12`. */
  readonly requiredNode: string;
}

/** What the listener asks for (`src/server/listener.ts`): connections that wait in the kernel while its loop is busy. */
export const LISTEN_BACKLOG = 4096;

/** Node, the listener's queues, and what a restart does to those who wait in them. */
export function hostChecks(host: CheckedHost): HostCheck[] {
  return [checkNode(host), checkReusePort(host), checkBacklog(host), checkSynBacklog(host), checkMigration(host)];
}

/** Whether each loop has a CPU. @param loops event loops that would run. */
export function checkCpus({ facts }: CheckedHost, config: ConfigSnapshot, loops: number): HostCheck {
  const { cpus } = hostLimits(facts);
  const { parallelism, quota } = facts.cpus;
  const granted = quota === undefined || quota >= parallelism ? "" : `, of which a control group grants ${quota}`;
  const tooMany = config.server.workers !== "auto" && loops > cpus;
  return {
    name: "CPUs",
    status: tooMany ? "warn" : "ok",
    found: `${parallelism}${granted}; ${loops} event loop${loops === 1 ? "" : "s"}`,
    change: tooMany ? [`server.workers: auto, or ${cpus}: more loops than CPUs only add to the cost`] : [],
  };
}

function checkNode({ facts, requiredNode }: CheckedHost): HostCheck {
  const required = /^>=(\d+)\.(\d+)/.exec(requiredNode)?.slice(1).map(Number) ?? [0, 0];
  const [major = 0, minor = 0] = facts.nodeVersion.split(".").map(Number);
  const isNew = major > required[0]! || (major === required[0] && minor >= required[1]!);
  return {
    name: "Node",
    status: isNew ? "ok" : "fail",
    found: facts.nodeVersion,
    change: isNew ? [] : [`install Node ${required.join(".")} or newer from nodejs.org`],
  };
}

function checkReusePort({ canSharePort }: CheckedHost): HostCheck {
  return {
    name: "reusePort",
    status: canSharePort ? "ok" : "warn",
    found: canSharePort ? "several listeners can have one port" : "one listener for each port",
    change: canSharePort ? [] : ["one event loop serves all clients here, whatever server.workers says; use Linux"],
  };
}

function checkBacklog({ facts }: CheckedHost): HostCheck {
  const { somaxconn } = facts.network;
  const isShort = somaxconn !== undefined && somaxconn < LISTEN_BACKLOG;
  return {
    name: "net.core.somaxconn",
    status: somaxconn === undefined ? "unknown" : isShort ? "warn" : "ok",
    found: showCount(somaxconn),
    change: isShort
      ? [`so many wait for a busy loop, the next are turned away: ${sysctl("net.core.somaxconn", LISTEN_BACKLOG)}`]
      : [],
  };
}

/** With SYN cookies the kernel goes on taking connections when this queue is full. */
function checkSynBacklog({ facts }: CheckedHost): HostCheck {
  const { synBacklog, synCookies } = facts.network;
  const isShort = synBacklog !== undefined && synBacklog < LISTEN_BACKLOG && synCookies === false;
  return {
    name: "net.ipv4.tcp_max_syn_backlog",
    status: synBacklog === undefined ? "unknown" : isShort ? "warn" : "ok",
    found: `${showCount(synBacklog)}${synCookies === true ? ", with SYN cookies" : ""}`,
    change: isShort
      ? [
          `a burst of new clients is dropped: ${sysctl("net.ipv4.tcp_syncookies", 1)}, ` +
            `or ${sysctl("net.ipv4.tcp_max_syn_backlog", LISTEN_BACKLOG)}`,
        ]
      : [],
  };
}

function checkMigration({ facts, canSharePort }: CheckedHost): HostCheck {
  const { migratesRequests } = facts.network;
  const needed = canSharePort && migratesRequests === false;
  return {
    name: "net.ipv4.tcp_migrate_req",
    status: migratesRequests === undefined ? "unknown" : needed ? "warn" : "ok",
    found: migratesRequests === undefined ? "unknown (Linux 5.14 has it)" : migratesRequests ? "1" : "0",
    change: needed
      ? [
          "in a rolling restart, and when a loop dies, clients that wait to be accepted are reset: " +
            sysctl("net.ipv4.tcp_migrate_req", 1),
        ]
      : [],
  };
}
