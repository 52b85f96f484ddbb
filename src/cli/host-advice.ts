/** What to change on a host, as lines to copy, and figures as people read them. */

/** The widest range that leaves out the ports of well-known services. */
export const WIDEST_PORTS = { first: 1024, last: 65_535 } as const;
/** What deploy/headwaiter.service asks for. */
const LEAST_FILE_LIMIT = 65_536;

/** `20000` → `20,000`; `unlimited` and `unknown` where it is no number. */
export function showCount(count: number | undefined): string {
  if (count === undefined) return "unknown";
  return count === Infinity ? "unlimited" : count.toLocaleString("en-US");
}

/** `1.5 GiB`, `512 MiB`. */
export function showBytes(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2;
  return mebibytes < 1024 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}

/** @returns a round limit that holds `files`. */
function fileLimitFor(files: number): number {
  return Math.max(LEAST_FILE_LIMIT, 2 ** Math.ceil(Math.log2(files)));
}

/** @param highest the kernel's own bound, if it is known. */
export function raiseFileLimit(files: number, highest = Infinity): string {
  const limit = fileLimitFor(files);
  const kernel = limit > highest ? `sysctl -w fs.nr_open=${limit}, then ` : "";
  return `${kernel}LimitNOFILE=${limit} in the systemd unit, ulimit -n ${limit} in a shell, --ulimit nofile=${limit}:${limit} for Docker`;
}

/** Quoted for a shell where it has to be. */
export function sysctl(name: string, value: string | number): string {
  return `sysctl -w ${name}=${/^[\w,.-]+$/.test(String(value)) ? value : `"${value}"`}`;
}

/** The line that gives outgoing connections every port there is. */
export function widenPorts(): string {
  return sysctl("net.ipv4.ip_local_port_range", `${WIDEST_PORTS.first} ${WIDEST_PORTS.last}`);
}
