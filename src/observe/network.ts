/** What the kernel's network settings allow. All of them are absent where there is no Linux. */
import { readHostNumber, readHostText } from "./host-file.ts";

/** The ports that outgoing connections take. */
interface EphemeralPorts {
  readonly first: number;
  readonly last: number;
  /** Kept out of use (`net.ipv4.ip_local_reserved_ports`), as written: `8080,9090-9099`, or empty. */
  readonly reserved: string;
  /** How many are left: so many connections can one of our addresses have to one upstream address at a time. */
  readonly usable: number;
}

/** `undefined` where it can't be known. */
export interface NetworkFacts {
  readonly ephemeralPorts: EphemeralPorts | undefined;
  /** Connections that a listener may leave waiting: what it asks for is cut to this. */
  readonly somaxconn: number | undefined;
  /** Half-open connections, where SYN cookies are off. */
  readonly synBacklog: number | undefined;
  readonly synCookies: boolean | undefined;
  /** Whether connections that wait at a listener that closes go to another one on its port; else they are reset. */
  readonly migratesRequests: boolean | undefined;
  /** Connections that the firewall can keep track of, and how many it does. None where it keeps no track. */
  readonly tracking: { readonly max: number; readonly count: number } | undefined;
}

/** @param root where `proc` is. */
export function readNetwork(root = "/"): NetworkFacts {
  const setting = (name: string): number | undefined => readHostNumber(root, `proc/sys/net/${name}`);
  const flag = (name: string): boolean | undefined => {
    const value = setting(name);
    return value === undefined ? undefined : value > 0;
  };
  const max = setting("netfilter/nf_conntrack_max");
  const count = setting("netfilter/nf_conntrack_count");
  return {
    ephemeralPorts: readPorts(root),
    somaxconn: setting("core/somaxconn"),
    synBacklog: setting("ipv4/tcp_max_syn_backlog"),
    synCookies: flag("ipv4/tcp_syncookies"),
    migratesRequests: flag("ipv4/tcp_migrate_req"),
    tracking: max === undefined || count === undefined ? undefined : { max, count },
  };
}

function readPorts(root: string): EphemeralPorts | undefined {
  const range = /^(\d+)\s+(\d+)\s*$/.exec(readHostText(root, "proc/sys/net/ipv4/ip_local_port_range") ?? "");
  if (range === null) return undefined;
  const [first, last] = [Number(range[1]), Number(range[2])];
  const reserved = (readHostText(root, "proc/sys/net/ipv4/ip_local_reserved_ports") ?? "").trim();
  let usable = Math.max(0, last - first + 1);
  for (const [from, to] of portRanges(reserved)) {
    usable -= Math.max(0, Math.min(last, to) - Math.max(first, from) + 1);
  }
  return { first, last, reserved, usable };
}

/** `8080,9090-9099` as pairs of first and last; the kernel writes them in order and without overlap. */
export function portRanges(written: string): [first: number, last: number][] {
  return [...written.matchAll(/(\d+)(?:-(\d+))?/g)].map(([, first, last]) => [Number(first), Number(last ?? first)]);
}
