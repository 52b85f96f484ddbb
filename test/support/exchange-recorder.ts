/** A sink that writes down every call, and an HTTP/1.1 endpoint to use it on. */
import assert from "node:assert/strict";
import { endpointAddress } from "../../src/upstream/address.ts";
import type { ConnectionLimits, LoopResources } from "../../src/upstream/address.ts";
import { isFailure } from "../../src/upstream/exchange.ts";
import type {
  Endpoint,
  Exchange,
  ExchangeSink,
  HeaderList,
  TransportFailure,
  UpstreamRequest,
} from "../../src/upstream/exchange.ts";
import { Http1Endpoint } from "../../src/upstream/http1/endpoint.ts";
import { TimerWheel } from "../../src/core/timer-wheel.ts";

/** A request without a body. */
export const GET: UpstreamRequest = { method: "GET", path: "/x", headers: [], body: [] };

/** What a recorder was told. */
export type SinkCall = "sent" | "head" | "body" | "flush" | "end" | "fail";

/** Notes what it is told and checks that the order is the port's: onSent? → onHead → (onBody* onFlush)* → onEnd. */
export class ExchangeRecorder implements ExchangeSink {
  readonly calls: SinkCall[] = [];
  /** Broken promises of the transport, in words. */
  readonly violations: string[] = [];
  status = 0;
  headers: HeaderList = [];
  bodyBytes = 0;
  failure: TransportFailure | null = null;
  exchange: Exchange | null = null;
  /** Called after each call was noted. */
  hook: ((call: SinkCall) => void) | undefined;
  /** Whether the body is kept, for large ones. @default true */
  keepsBody = true;
  #aborted = false;
  #unflushed = false;
  readonly #body: Buffer[] = [];
  readonly #waiting = new Set<{ readonly met: () => boolean; readonly resolve: () => void }>();

  /** The body so far. */
  get body(): Buffer {
    return Buffer.concat(this.#body);
  }

  /** Whether nothing more may come. */
  get over(): boolean {
    return this.calls.includes("end") || this.calls.includes("fail");
  }

  /** Opens an exchange that must not be refused. */
  open(endpoint: Endpoint, request: UpstreamRequest = GET, options?: { readonly fresh?: boolean }): this {
    const opened = endpoint.open(request, this, options);
    if (isFailure(opened)) throw new Error(`refused: ${opened.kind}: ${opened.detail}`);
    this.exchange = opened;
    return this;
  }

  abort(): void {
    this.#aborted = true;
    this.exchange?.abort();
  }

  /** Resolves when `met` holds after a call. */
  until(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ met, resolve }));
  }

  /** Resolves when `call` has come. */
  heard(call: SinkCall): Promise<void> {
    return this.until(() => this.calls.includes(call));
  }

  /** Resolves when the exchange has ended. @returns how: `end`, or the failure's kind. */
  async ended(): Promise<"end" | TransportFailure["kind"]> {
    await this.until(() => this.over);
    return this.failure?.kind ?? "end";
  }

  onSent(): void {
    this.#note("sent", this.calls.length === 0);
  }

  onHead(status: number, headers: HeaderList): void {
    this.status = status;
    this.headers = headers;
    this.#note("head", !this.calls.includes("head"));
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    if (this.keepsBody) this.#body.push(Buffer.from(bytes.subarray(start, end)));
    this.bodyBytes += end - start;
    this.#unflushed = true;
    this.#note("body", this.calls.includes("head") && end > start);
  }

  onFlush(): void {
    const due = this.#unflushed;
    this.#unflushed = false;
    this.#note("flush", due);
  }

  onEnd(): void {
    this.#note("end", this.calls.includes("head") && !this.#unflushed);
  }

  onFail(failure: TransportFailure): void {
    this.failure = failure;
    this.#note("fail", !this.#unflushed);
  }

  #note(call: SinkCall, inOrder: boolean): void {
    if (this.#aborted) this.violations.push(`${call} after abort`);
    if (this.over) this.violations.push(`${call} after ${this.calls.at(-1)}`);
    if (!inOrder) this.violations.push(`${call} out of order after ${this.calls.join(" ")}`);
    this.calls.push(call);
    this.hook?.(call);
    for (const waiting of this.#waiting) {
      if (!waiting.met()) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}

interface Http1Overrides extends Partial<ConnectionLimits> {
  readonly headers?: readonly string[];
  readonly connectTimeoutMs?: number;
  readonly certificateAuthority?: string;
  /** The wheel's clock. @default performance.now */
  readonly now?: () => number;
}

/** What the transports of one loop share, made for a test. */
export function loopResources(now?: () => number): LoopResources {
  const wheel = new TimerWheel({ tickMs: 5, slots: 512, ...(now === undefined ? {} : { now }) });
  return { wheel, readBuffer: Buffer.alloc(64 * 1024) };
}

/** An HTTP/1.1 endpoint that is destroyed with its scope. */
export class TestHttp1Endpoint extends Http1Endpoint implements Disposable {
  constructor(url: string, overrides: Http1Overrides = {}) {
    const { max = 100, keepAliveMax = 100, keepAliveMs = 30_000, connectTimeoutMs = 10_000 } = overrides;
    super(
      endpointAddress(new URL(url), overrides.headers ?? [], overrides.certificateAuthority),
      { max, keepAliveMax, keepAliveMs },
      connectTimeoutMs,
      loopResources(overrides.now),
    );
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** Sends {@link GET} and asserts that the exchange ends well. */
export async function complete(endpoint: Endpoint, options?: { readonly fresh?: boolean }): Promise<ExchangeRecorder> {
  const recorder = new ExchangeRecorder().open(endpoint, GET, options);
  assert.equal(await recorder.ended(), "end");
  assert.deepEqual(recorder.violations, []);
  return recorder;
}
