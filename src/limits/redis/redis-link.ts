/**
 * The one connection to Redis: every call has a deadline, a breaker keeps calls away from a Redis that does not answer, and looks
 * by itself whether it does again.
 *
 * ioredis is given nothing to queue and nothing to send twice: a call that was not answered may have been done, and to do it again
 * would count twice. It reconnects; it does not decide.
 */
import { Redis } from "ioredis";
import { monotonicMs } from "../../core/monotonic-clock.ts";
import { Breaker } from "./breaker.ts";
import type { BreakerState } from "./breaker.ts";
import type { RedisScript } from "./lua/script.ts";

/** A call's deadline, milliseconds. What comes later is still taken, but nobody waits for it. */
export const CALL_DEADLINE_MS = 50;
/** While Redis does not answer, one thing is asked so often, milliseconds. */
const PROBE_MS = 250;
/** Calls in a row that fail, or deadlines that one call misses, before no more are made. */
const FAILURES_TO_OPEN = 3;
/** A connection on which nothing is answered for so long is given up, milliseconds. */
const SILENCE_MS = 3000;
const CONNECT_TIMEOUT_MS = 1000;
/** Longest wait between two tries to connect, milliseconds. */
const MAX_RECONNECT_MS = 250;

/** What is said of the connection, and to whom. */
interface RedisLinkOptions {
  /** `redis://` or `rediss://`, with its credentials. */
  readonly url: string;
  /** Every change of the breaker, with what went wrong last, where it opens. */
  readonly onState: (state: BreakerState, reason: string | null) => void;
  /** It answers on a new connection. @param isOther it is not the same process as before, so it may know less. */
  readonly onConnected: (isOther: boolean) => void;
}

/** See the file's comment. */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #client: Redis;
  readonly #breaker: Breaker;
  readonly #probe: NodeJS.Timeout;
  #runId: string | null = null;
  #reason: string | null = null;
  #closed = false;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#breaker = new Breaker({
      failuresToOpen: FAILURES_TO_OPEN,
      openMs: PROBE_MS,
      onState: (state) => options.onState(state, state === "open" ? this.#reason : null),
    });
    this.#client = new Redis(options.url, {
      connectionName: "headwaiter-limits",
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_MS,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // A primary that has become a replica refuses to write for as long as anybody stays with it.
      reconnectOnError: ({ message }) => message.startsWith("READONLY"),
      retryStrategy: (times) => Math.min(MAX_RECONNECT_MS, 25 * 2 ** Math.min(times, 10)) * (0.75 + Math.random() / 2),
    });
    this.#client.on("error", (error: Error) => (this.#reason = error.message));
    this.#client.on("close", () => {
      this.#reason ??= "the connection was closed";
      if (!this.#closed) this.#breaker.trip(monotonicMs());
    });
    this.#client.on("ready", () => void this.#identify());
    this.#probe = setInterval(() => {
      if (this.#client.status === "ready" && this.#breaker.tries(monotonicMs())) void this.#settle(this.#client.ping());
    }, PROBE_MS / 2);
    this.#probe.unref();
  }

  get state(): BreakerState {
    return this.#breaker.state;
  }

  /** What went wrong last; `null` where nothing has since it answered on a new connection. */
  get reason(): string | null {
    return this.#reason;
  }

  /** How long until it is worth asking again, milliseconds; 0 while it answers. */
  get retryInMs(): number {
    return this.state === "closed" ? 0 : Math.max(PROBE_MS, this.#breaker.opensForMs(monotonicMs()));
  }

  /**
   * Runs a script. Resolves when the answer is there, however late, and never rejects.
   *
   * @returns `null` where there is none: the breaker is not closed, the connection broke, or Redis refused. It may have been done.
   */
  async run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    if (this.state !== "closed") return null;
    return await this.#settle(this.#evaluate(script, keys, args));
  }

  /** Closes the connection at once. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#probe);
    this.#client.disconnect();
  }

  async #evaluate(
    { lua, sha1 }: RedisScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      return await this.#client.evalsha(sha1, keys.length, ...keys, ...args);
    } catch (error) {
      // The one refusal that says that nothing was done.
      if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
      return await this.#client.eval(lua, keys.length, ...keys, ...args);
    }
  }

  async #settle(answer: Promise<unknown>): Promise<unknown> {
    let isLate = false;
    // As often as it might have been answered by now: a group asks one thing at a time, so of a Redis that stands still its first
    // call may be all there is to go by, until the silence ends the connection.
    const deadline = setInterval(() => {
      if (isLate && this.state !== "closed") return clearInterval(deadline);
      isLate = true;
      this.#reason = `no answer within ${CALL_DEADLINE_MS} ms`;
      this.#breaker.failed(monotonicMs());
    }, CALL_DEADLINE_MS);
    try {
      const value = await answer;
      if (!isLate) this.#breaker.succeeded();
      return value;
    } catch (error) {
      if (!isLate) {
        this.#reason = (error as Error).message;
        this.#breaker.failed(monotonicMs());
      }
      return null;
    } finally {
      clearInterval(deadline);
    }
  }

  /** Who answers on a new connection. One that is slow to say so is left to the probe. */
  async #identify(): Promise<void> {
    const askedMs = monotonicMs();
    try {
      const info = await this.#client.info("server");
      const runId = /^run_id:(\w+)/m.exec(info)?.[1] ?? null;
      const isOther = this.#runId !== null && runId !== this.#runId;
      this.#runId = runId;
      if (this.#closed) return;
      // Before the breaker closes, so that no call is made that does not know.
      this.#options.onConnected(isOther);
      if (monotonicMs() - askedMs > CALL_DEADLINE_MS) return;
      this.#reason = null;
      this.#breaker.close();
    } catch (error) {
      this.#reason = (error as Error).message;
    }
  }
}
