/** Endpoints with test-sized defaults. */
import { TimerWheel } from "../../../../src/core/timer-wheel.ts";
import { endpointAddress } from "../../../../src/upstream/address.ts";
import { isFailure } from "../../../../src/upstream/exchange.ts";
import type { Exchange, UpstreamRequest } from "../../../../src/upstream/exchange.ts";
import { Http2Endpoint } from "../../../../src/upstream/http2/endpoint.ts";
import type { Http2Tuning } from "../../../../src/upstream/http2/settings.ts";
import { RecordingSink } from "./recording-sink.ts";

interface Overrides extends Partial<Http2Tuning> {
  readonly maxConnections?: number;
  readonly keepAliveMs?: number;
  readonly connectTimeoutMs?: number;
  readonly certificateAuthority?: string;
  readonly headers?: readonly string[];
}

/** An endpoint that is destroyed with its scope. */
export class FixtureEndpoint extends Http2Endpoint implements Disposable {
  constructor(url: URL, overrides: Overrides = {}) {
    const { maxConnections = 100, keepAliveMs = 30_000, connectTimeoutMs = 10_000, ...tuning } = overrides;
    super({
      address: endpointAddress(url, overrides.headers ?? [], overrides.certificateAuthority),
      limits: { max: maxConnections, keepAliveMs },
      connectTimeoutMs,
      wheel: new TimerWheel({ tickMs: 5, slots: 512 }),
      tuning,
    });
  }

  /** Opens what must not be refused. */
  begin(
    request: UpstreamRequest = GET,
    options?: { readonly fresh?: boolean },
  ): { sink: RecordingSink; exchange: Exchange } {
    const sink = new RecordingSink();
    const exchange = this.open(request, sink, options);
    if (isFailure(exchange)) throw new Error(`refused: ${exchange.kind}: ${exchange.detail}`);
    return { sink, exchange };
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

/** A request without a body. */
export const GET: UpstreamRequest = { method: "GET", path: "/stream", headers: [], body: [] };

/** A request with a body. */
export function post(body: readonly Uint8Array[], path = "/stream"): UpstreamRequest {
  return { method: "POST", path, headers: ["content-type", "application/json"], body };
}
