/** What is counted over all loops of a process, by name: the columns of the board. */
import type { ConfigSnapshot } from "./snapshot.ts";

/** Requests under way on an endpoint. */
export function endpointCounter(upstream: string, url: URL): string {
  return `endpoint:${upstream} ${url.href}`;
}

/** Slots of an upstream that are taken: requests under way on it, to the last byte of their bodies. */
export function slotCounter(upstream: string): string {
  return `slots:${upstream}`;
}

/** All that a config needs. */
export function counterNames({ upstreams }: ConfigSnapshot): string[] {
  return [...upstreams.values()].flatMap(({ name, endpoints }) =>
    [slotCounter(name)].concat(endpoints.map(({ url }) => endpointCounter(name, url))),
  );
}
