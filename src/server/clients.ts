/** The connections of a loop's clients. */
import type http from "node:http";
import type { Socket } from "node:net";
import { LinkedList, ListMember } from "../core/linked-list.ts";

/** A client's socket in a list of them. */
class Connected extends ListMember {
  readonly socket: Socket;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
  }
}

/** See the file's comment. */
export class Clients {
  /** TCP connections. */
  readonly #connected = new LinkedList<Connected>();
  /** What answers are written to: the same, or what speaks TLS over them. */
  readonly #answering = new LinkedList<Connected>();
  /** Called when the last client has closed its connection. */
  #onEmpty: (() => void) | null = null;

  /** @param overTls whether `server` speaks TLS. */
  constructor(server: http.Server, overTls: boolean) {
    server.on("connection", (socket: Socket) => this.#keep(this.#connected, socket));
    server.on(overTls ? "secureConnection" : "connection", (socket: Socket) => this.#keep(this.#answering, socket));
  }

  /** Connections now. */
  get size(): number {
    return this.#connected.size;
  }

  /** Resolves when no client is connected any more, and after `timeoutMs` anyhow. */
  gone(timeoutMs: number): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#onEmpty = null;
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#onEmpty = done;
    });
  }

  /** Closes our side of every connection; resolves when all has left and they have closed theirs, and after `timeoutMs` anyhow. */
  flushed(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      const onClose = (): void => {
        if (this.#answering.size > 0) return;
        clearTimeout(timer);
        resolve();
      };
      for (const { socket } of this.#answering) socket.once("close", onClose).end();
      onClose();
    });
  }

  /** Ends them all now. */
  destroy(): void {
    for (const { socket } of this.#connected) socket.destroy();
  }

  #keep(list: LinkedList<Connected>, socket: Socket): void {
    const connected = new Connected(socket);
    list.add(connected);
    socket.once("close", () => {
      list.delete(connected);
      if (this.#connected.size === 0) this.#onEmpty?.();
    });
  }
}
