/**
 * What node:http lets through and a proxy must not: requests that another server on the way could read differently.
 *
 * llhttp itself refuses a wrong or doubled Content-Length, Content-Length beside Transfer-Encoding, bare CR or LF, and
 * folded headers (strict mode). After a refusal here the connection ends, since what follows may not be a request.
 */
import type { IncomingMessage } from "node:http";
import { GatewayError } from "../core/errors.ts";

/** @returns why the request's framing can't be trusted, if so. */
export function framingFault(request: IncomingMessage): GatewayError | undefined {
  const target = request.url ?? "";
  if (!target.startsWith("/")) return fault("The request target must be a path.");
  const isVersion11 = request.httpVersion === "1.1";
  if (!isVersion11 && request.httpVersion !== "1.0")
    return fault("The versions spoken here are HTTP/1.1 and HTTP/1.0.");
  const hosts = countHosts(request.rawHeaders);
  if (hosts > 1) return fault("The request has more than one Host field.");
  if (hosts === 0 && isVersion11) return fault("The request has no Host field.");
  const transferEncoding = request.headers["transfer-encoding"];
  if (transferEncoding !== undefined) {
    if (!isVersion11) return fault("Transfer-Encoding has no place in HTTP/1.0.");
    if (transferEncoding.toLowerCase() !== "chunked") return fault("The only Transfer-Encoding accepted is chunked.");
  }
  if (request.method === "GET" || request.method === "HEAD") {
    const length = request.headers["content-length"];
    if (transferEncoding !== undefined || (length !== undefined && length !== "0")) {
      return fault(`A ${request.method} request must not have a body.`);
    }
  }
  return undefined;
}

/** @returns why the body can't be read, if so. The framing is sound; the connection may live on. */
export function bodyFault(request: IncomingMessage): GatewayError | undefined {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return new GatewayError("content_encoding_unsupported");
  }
  // A web page may send anything but JSON to any address without asking (CORS), also to a gateway on this machine.
  // `sec-fetch-site` comes only where the address counts as safe (https, this machine); `origin` comes with every such POST.
  const site = request.headers["sec-fetch-site"];
  if (site === "cross-site" || site === "same-site" || request.headers.origin !== undefined) {
    const type = request.headers["content-type"] ?? "";
    if (!/^application\/json\s*(?:;|$)/i.test(type)) return new GatewayError("content_type_unsupported");
  }
  return undefined;
}

function fault(message: string): GatewayError {
  return new GatewayError("bad_request", { message });
}

/** `request.headers` keeps one of several Host fields, so the raw list is looked at. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === "host") count++;
  }
  return count;
}
