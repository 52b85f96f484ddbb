/**
 * The listening sockets of a loop. A turn of the event loop accepts one connection of each socket (libuv), and a busy loop's
 * turns take milliseconds; with one socket, those who knock wait for hundreds of turns, and even a refusal takes that long.
 * Several sockets on the same port (`SO_REUSEPORT`) accept so many in a turn. The kernel spreads clients over all of them,
 * other loops' included, so each loop must have as many.
 */
import type http from "node:http";
import net from "node:net";
import { BACKLOG, listen } from "./listener.ts";
import type { ListenPlace } from "./listener.ts";

/** Chosen by `headwaiter bench --scenario surge` (docs/decisions/0015-overload.md). */
const DOORS = 8;

/** See the file's comment. Whoever comes in by any of them is a client of the one server. */
export class Doors {
  readonly #server: http.Server;
  /** Those besides the server's own. */
  readonly #others: net.Server[] = [];

  constructor(server: http.Server) {
    this.#server = server;
  }

  /** Listens; by one socket alone where the port is not shared. @returns the port; rejects with an error that says what to do. */
  async open(place: ListenPlace): Promise<number> {
    const port = await listen(this.#server, place);
    if (place.shared !== true) return port;
    for (let door = 1; door < DOORS; door++) this.#others.push(await this.#openAnother(place.host, port));
    return port;
  }

  /** Nobody comes in any more. Resolves when all who had come in have left. */
  async close(): Promise<void> {
    await Promise.all([this.#server, ...this.#others].map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #openAnother(host: string, port: number): Promise<net.Server> {
    return new Promise((resolve, reject) => {
      // As node:http sets up its own.
      const other = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
        this.#server.emit("connection", socket),
      );
      other.once("error", reject).listen({ host, port, backlog: BACKLOG, reusePort: true }, () => {
        // From here on it is one connection that could not be accepted, for want of files; its client sees it closed.
        other.off("error", reject).on("error", () => {});
        resolve(other);
      });
    });
  }
}
