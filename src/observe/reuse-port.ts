/** Whether several listeners can have one port here (`SO_REUSEPORT`, shared out by the kernel). */
import { createServer } from "node:net";
import type { Server } from "node:net";

/** Tries it with two listeners on a free port of 127.0.0.1. @returns whether both could listen; never rejects. */
export async function canSharePort(): Promise<boolean> {
  const first = createServer();
  const second = createServer();
  try {
    const port = await listen(first, 0);
    await listen(second, port);
    return true;
  } catch {
    return false;
  } finally {
    for (const server of [first, second]) if (server.listening) server.close();
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port, reusePort: true }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}
