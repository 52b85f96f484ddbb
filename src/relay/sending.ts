/**
 * A request on its way: to the endpoint that has the least to do, counted there; and once more, over a new connection, where the
 * first one died before the upstream had begun to work on it.
 */
import type { Lease } from "../core/lease.ts";
import type { Exchange, ExchangeSink, TransportFailure, UpstreamRequest } from "../upstream/exchange.ts";
import { isFailure } from "../upstream/exchange.ts";
import type { Call } from "./call.ts";

/** See the file's comment. */
export class Sending {
  readonly #call: Call;
  /** Let go as soon as it can't be needed for a retry: a stream outlives its prompt by minutes. */
  #request: UpstreamRequest | null;
  /** Counts this request at its endpoint. */
  #outstanding: Lease | null = null;
  /** Why the first try failed. */
  #failure: TransportFailure | null = null;

  constructor(call: Call, request: UpstreamRequest) {
    this.#call = call;
    this.#request = withVersion(request, call.upstream!.config.apiVersion);
  }

  /** Whether the request may be sent again after `failure`; if so the next {@link open} does. */
  mayRetry(failure: TransportFailure): boolean {
    if (!failure.safeToRetry || this.#failure !== null || this.#request === null) return false;
    this.#failure = failure;
    return true;
  }

  /** Picks the endpoint and sends. */
  open(sink: ExchangeSink): Exchange | TransportFailure {
    const call = this.#call;
    const shared = call.upstream!.pick();
    const { endpoint } = shared;
    this.#outstanding?.release();
    this.#outstanding = shared.take();
    call.endpoint = endpoint.name;
    call.attempts++;
    const opened = endpoint.open(this.#request!, sink, { fresh: this.#failure !== null });
    // A reload has retired the endpoint meanwhile: what the client should know is what went wrong before.
    return isFailure(opened) && opened.kind === "closed" ? (this.#failure ?? opened) : opened;
  }

  /** It won't be sent again. */
  letGo(): void {
    this.#request = null;
  }

  /** The endpoint has one less to do. */
  release(): void {
    this.#outstanding?.release();
  }

  /** How a try has ended. @param result `ok`, `status`, `retried` or an error's code. */
  count(result: string): void {
    const { upstream, endpoint, runtime } = this.#call;
    runtime.metrics.attempts.add(1, upstream!.config.name, endpoint ?? "", result);
  }
}

/** Azure's version of the API goes with every request. */
function withVersion(request: UpstreamRequest, apiVersion: string | undefined): UpstreamRequest {
  if (apiVersion === undefined) return request;
  return { ...request, path: `${request.path}${request.path.includes("?") ? "&" : "?"}api-version=${apiVersion}` };
}
