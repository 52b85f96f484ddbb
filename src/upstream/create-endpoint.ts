/** Picks the transport for an endpoint: HTTP/1.1, HTTP/2, or whichever the peer chooses in the TLS handshake. */
import { endpointAddress } from "./address.ts";
import type { ConnectionLimits, LoopResources } from "./address.ts";
import type { Endpoint } from "./exchange.ts";
import { Http1Endpoint } from "./http1/endpoint.ts";
import { Http2Endpoint } from "./http2/endpoint.ts";
import { NegotiatedEndpoint } from "./negotiated-endpoint.ts";

interface EndpointOptions {
  /** http: or https:; the path is the API's base. */
  readonly url: URL;
  /** Added to every request. Flat pairs. */
  readonly headers: readonly string[];
  /** `auto`: ALPN over https:, HTTP/1.1 over http:. `on` over http: means prior knowledge. */
  readonly http2: "auto" | "on" | "off";
  readonly limits: ConnectionLimits;
  readonly connectTimeoutMs: number;
  readonly loop: LoopResources;
  /** Trusted certificate authorities, PEM. @default the system's */
  readonly certificateAuthority?: string;
}

/** Makes an endpoint; it connects when it is first used. */
export function createEndpoint(options: EndpointOptions): Endpoint {
  const { limits, connectTimeoutMs, loop } = options;
  const address = endpointAddress(options.url, options.headers, options.certificateAuthority);
  const http1 = (): Http1Endpoint => new Http1Endpoint(address, limits, connectTimeoutMs, loop);
  const http2 = (): Http2Endpoint => new Http2Endpoint({ address, limits, connectTimeoutMs, wheel: loop.wheel });
  if (options.http2 === "on") return http2();
  if (options.http2 === "off" || !address.tls) return http1();
  return new NegotiatedEndpoint({ address, connectTimeoutMs, wheel: loop.wheel, http1, http2 });
}
