/** A sink that writes down what it is told, for tests. */
import type { ExchangeSink, HeaderList, TransportFailure } from "../../../../src/upstream/exchange.ts";

type Call = "sent" | "head" | "body" | "flush" | "end" | "fail";

/** Notes every call in order; `body` calls with their bytes copied, as the contract asks. */
export class RecordingSink implements ExchangeSink {
  readonly calls: Call[] = [];
  status = 0;
  headers: HeaderList = [];
  failure: TransportFailure | undefined;
  /** Called after a call was noted. */
  onCall: ((call: Call) => void) | undefined;
  readonly #chunks: Buffer[] = [];
  readonly #waiting: { readonly met: () => boolean; readonly resolve: () => void }[] = [];

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get bodyBytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** Resolves when `call` has come. */
  heard(call: Call): Promise<void> {
    return this.until(() => this.calls.includes(call));
  }

  /** Resolves when `met` holds after a call. */
  until(met: () => boolean): Promise<void> {
    if (met()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ met, resolve }));
  }

  /** How often `call` has come. */
  count(call: Call): number {
    return this.calls.filter((one) => one === call).length;
  }

  onSent(): void {
    this.#note("sent");
  }

  onHead(status: number, headers: HeaderList): void {
    this.status = status;
    this.headers = headers;
    this.#note("head");
  }

  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.#chunks.push(Buffer.from(bytes.subarray(start, end)));
    this.#note("body");
  }

  onFlush(): void {
    this.#note("flush");
  }

  onEnd(): void {
    this.#note("end");
  }

  onFail(failure: TransportFailure): void {
    this.failure = failure;
    this.#note("fail");
  }

  #note(call: Call): void {
    this.calls.push(call);
    this.onCall?.(call);
    for (const waiting of this.#waiting) if (waiting.met()) waiting.resolve();
  }
}
