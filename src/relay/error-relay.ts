/** Passes on an upstream's error: its status, mapped, and its message, without our key. */
import { GatewayError } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";
import { parseJson } from "../dialects/json-access.ts";
import type { HeaderList } from "../upstream/exchange.ts";
import { answerHeaders, passOnHeaders } from "./answer-headers.ts";
import type { Attempt } from "./attempt.ts";
import type { Receiver } from "./receiver.ts";
import { holdsKey, redact } from "./redact.ts";
import { clampedRetryAfterMs, jitteredMs } from "./retry-after.ts";

/** Longest error body that is read; of a longer one only the status is passed on. */
const MAX_ERROR_BODY_BYTES = 64 * 1024;
const MAX_MESSAGE_LENGTH = 4096;

/** See the file's comment. */
export class ErrorRelay implements Receiver {
  readonly #attempt: Attempt;
  readonly #status: number;
  readonly #headers: HeaderList;
  #body: Buffer[] = [];
  #bodyBytes = 0;

  constructor(attempt: Attempt, status: number, headers: HeaderList) {
    this.#attempt = attempt;
    this.#status = status;
    this.#headers = headers;
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    this.#bodyBytes += end - start;
    if (this.#bodyBytes <= MAX_ERROR_BODY_BYTES) this.#body.push(Buffer.from(bytes.subarray(start, end)));
    else this.#answer("");
  }

  onFlush(): void {}

  onEnd(): void {
    this.#answer(Buffer.concat(this.#body).toString("utf8"));
  }

  /** The body broke off; the status had come, and is the better half of the answer. */
  fail(error: GatewayError, outcome: Outcome): void {
    if (outcome === "upstream_failed") this.#answer("");
    else this.#attempt.refuse(error, outcome);
  }

  abandon(): void {
    this.#body = [];
  }

  detach(): void {}

  heartbeat(): number {
    return Infinity;
  }

  #answer(text: string): void {
    const { call } = this.#attempt;
    const upstream = call.upstream!;
    const body = redact(text, upstream.config.apiKey);
    const parsed = parseJson(body);
    const status = clientStatus(this.#status);
    const said = upstream.dialect.errorMessage(parsed);
    const message = said === undefined ? said : redact(said, upstream.config.apiKey).slice(0, MAX_MESSAGE_LENGTH);
    const refusesForNow = status === 429 || status === 503;
    const retryAfterMs = clampedRetryAfterMs(this.#headers) ?? (refusesForNow ? jitteredMs(1000) : undefined);
    const error = new GatewayError("upstream_status", {
      status,
      message: message ?? `The upstream answered with status ${this.#status}.`,
      detail: `upstream status ${this.#status}`,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    call.code = error.code;
    call.detail = error.detail;
    call.status = status;
    const headers = answerHeaders(call, "application/json", error);
    passOnHeaders(headers, this.#headers);
    // Same dialect on both sides: the caller gets the provider's own error object, whatever fields it has.
    const same =
      call.kind.kind !== "prompt" &&
      call.translation === null &&
      message !== undefined &&
      !holdsKey(parsed, upstream.config.apiKey);
    call.client.answer(status, headers, same ? body : call.kind.dialect.errorBody(error));
    this.#attempt.finish("upstream_status");
  }
}

/**
 * 401, 403 and 407 speak of the gateway's key and not of the caller's, who could do nothing about them: 502. The rest is
 * between caller and provider and passes.
 */
function clientStatus(status: number): number {
  return status === 401 || status === 403 || status === 407 ? 502 : status;
}
