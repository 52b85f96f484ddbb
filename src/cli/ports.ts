/**
 * Ports that another process may have: a second gateway that takes over from a first (a rolling restart) must get both, and a
 * second one started by mistake must say so.
 */
import type { Server } from "node:http";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ADMIN_SERVER_NAME } from "../admin/admin-server.ts";
import { listen } from "../server/listener.ts";

/** How often the admin port of the process before us is tried. */
const RETRY_MS = 250;
/** Whoever has a port is asked who it is, and does not answer for so long. */
const ASK_TIMEOUT_MS = 1000;

/** Whether somebody listens at this place, also one who would share it. Port 0 is never taken. */
export function isTaken(host: string, port: number): Promise<boolean> {
  if (port === 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = net.createServer();
    // Without `reusePort` the kernel refuses the port as soon as anybody listens on it.
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE"));
    probe.listen({ host, port }, () => probe.close(() => resolve(false)));
  });
}

interface AdminPlace {
  readonly host: string;
  readonly port: number;
}

/**
 * Listens, unless another gateway does: that one is about to end, so its port is waited for.
 * @param onClaimed the port was free at last.
 * @param signal ends the waiting.
 * @returns the port, or `null` when it is waited for. @throws {Error} when something else has it.
 */
export async function claimAdminPort(
  server: Server,
  place: AdminPlace,
  { onClaimed, signal }: { readonly onClaimed: () => void; readonly signal: AbortSignal },
): Promise<number | null> {
  const attempt = (): Promise<number> => listen(server, { ...place, setting: "admin.port" });
  try {
    return await attempt();
  } catch (error) {
    if (!(await isGateway(place))) throw error;
  }
  const wait = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(RETRY_MS, undefined, { signal });
      try {
        await attempt();
        return onClaimed();
      } catch {
        // Still taken.
      }
    }
  };
  wait().catch(() => {});
  return null;
}

async function isGateway({ host, port }: AdminPlace): Promise<boolean> {
  const name = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "[::1]" : host.includes(":") ? `[${host}]` : host;
  try {
    const answer = await fetch(`http://${name}:${port}/healthz`, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
    await answer.body?.cancel();
    return answer.headers.get("server") === ADMIN_SERVER_NAME;
  } catch {
    return false;
  }
}
