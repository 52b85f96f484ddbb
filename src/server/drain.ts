/**
 * How a loop ends: it takes no new work and waits for the calls under way; those left get an error. A listener that has its port
 * alone stays open meanwhile, so that a client is told to go elsewhere instead of finding the door shut. One that shares it
 * closes, so that new clients go to the others.
 */
import type http from "node:http";
import { GatewayError } from "../core/errors.ts";
import type { LinkedList } from "../core/linked-list.ts";
import type { Call } from "../relay/call.ts";
import { refuse } from "../relay/refuse.ts";
import type { Clients } from "./clients.ts";
import type { Doors } from "./doors.ts";

/** After the drain's time is up: for the last error events to leave. */
const FINAL_FLUSH_MS = 500;
/** Turns after which a listener closes though there is still somebody to accept at each. */
const MOST_LAST_TURNS = 10_000;
/** How long clients on a port that is given up may take to send a request, after they have connected or had an answer. */
const LAST_ORDERS_MS = 500;

interface DrainedLoop {
  readonly server: http.Server;
  readonly doors: Doors;
  readonly clients: Clients;
  /** Under way. */
  readonly calls: LinkedList<Call>;
}

/** See the file's comment. */
export class Drain {
  readonly #loop: DrainedLoop;
  #closing = false;
  #draining = false;
  /** Called when the last call has been settled. */
  #onIdle: (() => void) | null = null;

  constructor(loop: DrainedLoop) {
    this.#loop = loop;
  }

  /** Whether new calls are refused. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Whether connections end with the answer they are at. */
  get closing(): boolean {
    return this.#closing || this.#draining;
  }

  /** A call has been settled. */
  callSettled(): void {
    if (this.#loop.calls.size === 0) this.#onIdle?.();
  }

  /** Resolves when all has been said to everybody. @param sharesPort whether others listen on the same port. */
  async run(timeoutMs: number, sharesPort: boolean): Promise<void> {
    const { server, clients, calls } = this.#loop;
    const endMs = performance.now() + timeoutMs;
    if (sharesPort) await this.#emptyTheRoom(endMs);
    this.#draining = true;
    server.closeIdleConnections();
    await this.#idle(Math.max(0, endMs - performance.now()));
    for (const call of calls) {
      const error = new GatewayError("draining", { retryAfterMs: 1000 });
      if (call.work === null) refuse(call, error, "drained");
      else call.work.fail(error, "drained");
    }
    await this.#idle(FINAL_FLUSH_MS);
    // They had their error and do not take it.
    for (const call of calls) call.work?.fail(new GatewayError("draining"), "drained");
    await clients.flushed(FINAL_FLUSH_MS);
  }

  /**
   * Nobody new comes in. Who is in already is served until `endMs`, and leaves with the answer: a client that has just
   * connected has not said yet what it wants, and one whose stream began with `keep-alive` may send its next request on the
   * same connection.
   */
  async #emptyTheRoom(endMs: number): Promise<void> {
    this.#closing = true;
    await this.#stopListening();
    for (;;) {
      await this.#loop.clients.gone(LAST_ORDERS_MS);
      const leftMs = endMs - performance.now();
      if (this.#loop.calls.size === 0 || leftMs <= 0) return;
      await this.#idle(leftMs);
    }
  }

  /**
   * What the kernel has accepted and we have not is reset with the listener. Every turn of the loop accepts from each of its
   * sockets, so they close after the first turn that finds nobody, which leaves some ten microseconds;
   * `net.ipv4.tcp_migrate_req=1` closes that gap, too.
   */
  async #stopListening(): Promise<void> {
    const { server, doors } = this.#loop;
    let accepted = -1;
    const count = (): void => void accepted++;
    server.on("connection", count);
    for (let turns = 0, before = -2; accepted !== before && turns < MOST_LAST_TURNS; turns++) {
      before = accepted;
      await new Promise((resolve) => setImmediate(resolve));
    }
    server.off("connection", count);
    void doors.close();
  }

  #idle(timeoutMs: number): Promise<void> {
    if (this.#loop.calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#onIdle = null;
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      this.#onIdle = done;
    });
  }
}
