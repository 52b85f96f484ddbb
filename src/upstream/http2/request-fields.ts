/** A request's header fields as node:http2 takes them. */
import type { EndpointAddress } from "../address.ts";
import type { UpstreamRequest } from "../exchange.ts";

/**
 * Flat pairs, pseudo-header fields first. Those are made here alone: `request.headers` can't add or replace one, since
 * node:http2 refuses a second of the same name.
 */
export function requestFields(address: EndpointAddress, request: UpstreamRequest): string[] {
  const fields = [
    ":method",
    request.method,
    ":scheme",
    address.tls ? "https" : "http",
    ":authority",
    address.authority,
    ":path",
    address.basePath + request.path,
    ...address.headers,
    ...request.headers,
  ];
  if (request.method === "POST") {
    let length = 0;
    for (const slice of request.body) length += slice.length;
    fields.push("content-length", String(length));
  }
  return fields;
}
