/** Where an endpoint is and how it is reached: everything about it that does not change while it lives. */
import tls from "node:tls";
import type { TimerWheel } from "../core/timer-wheel.ts";

/** One address of an upstream. */
export interface EndpointAddress {
  /** For logs and metrics: scheme, host and port. */
  readonly name: string;
  /** Name or IP address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** `host` field: with the port unless it is the scheme's own. */
  readonly authority: string;
  readonly tls: boolean;
  /** Path before every request's path; `""` or `/v1` and the like, without a trailing slash. */
  readonly basePath: string;
  /** Fields added to each request: the provider's credentials, `user-agent`. Flat pairs, names in lower case. */
  readonly headers: readonly string[];
  /** The same as text, each line with its CRLF. */
  readonly headerBlock: string;
  /** Trusted certificate authorities, PEM; the system's when absent. */
  readonly certificateAuthority?: string;
  /** The last TLS session, so that the next handshake is short. Written by {@link connectTls}. */
  session?: Buffer;
}

/** Bounds on an endpoint's connections, per loop. */
export interface ConnectionLimits {
  /** Most connections, in use, idle and being opened. */
  readonly max: number;
  /** Most idle ones kept. */
  readonly keepAliveMax: number;
  /** How long an idle one is kept, milliseconds. */
  readonly keepAliveMs: number;
}

/** What the transports of one loop share. */
export interface LoopResources {
  readonly wheel: TimerWheel;
  /** Every TCP read of the loop lands here. */
  readonly readBuffer: Buffer;
}

/** @param url http: or https:. @param headers flat pairs without CR, LF, NUL. */
export function endpointAddress(url: URL, headers: readonly string[], certificateAuthority?: string): EndpointAddress {
  const isTls = url.protocol === "https:";
  let headerBlock = "";
  for (let i = 0; i < headers.length; i += 2) headerBlock += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return {
    name: url.origin,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (isTls ? 443 : 80) : Number(url.port),
    authority: url.host,
    tls: isTls,
    basePath: url.pathname.replace(/\/+$/, ""),
    headers,
    headerBlock,
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
  };
}

/** Opens a TLS connection, resuming the address's last session. @param onSecure called once the peer is verified. */
export function connectTls(address: EndpointAddress, protocols: string[], onSecure: () => void): tls.TLSSocket {
  const socket = tls.connect(
    {
      host: address.host,
      port: address.port,
      ALPNProtocols: protocols,
      ...(/^[0-9.]+$|:/.test(address.host) ? {} : { servername: address.host }),
      ...(address.certificateAuthority === undefined ? {} : { ca: address.certificateAuthority }),
      ...(address.session === undefined ? {} : { session: address.session }),
    },
    onSecure,
  );
  socket.on("session", (session: Buffer) => (address.session = session));
  return socket;
}
