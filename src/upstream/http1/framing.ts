/** How a response's body is delimited, and whether the connection may carry another (RFC 9112 §6.3, §9.3). */
import type { HeaderList } from "../exchange.ts";
import type { StatusLine } from "./header-lines.ts";

/** `length` bytes, chunks, until the connection closes, or nothing. */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly lengthBytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "until_close" };

/** What a head says about its body and its connection. */
interface ResponseFraming {
  readonly body: BodyFraming;
  readonly keepAlive: boolean;
}

const NONE: BodyFraming = { kind: "none" };
const CHUNKED: BodyFraming = { kind: "chunked" };
const UNTIL_CLOSE: BodyFraming = { kind: "until_close" };
/** 15 digits: below 2^53, and far above any body. */
const LENGTH = /^[0-9]{1,15}$/;

/** @returns the framing, or in words why it can't be trusted. */
export function responseFraming(line: StatusLine, headers: HeaderList): ResponseFraming | string {
  let length: string | undefined;
  let transferEncoding: string | undefined;
  let close = false;
  let keepAlive = line.minorVersion === 1;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i];
    const value = headers[i + 1]!;
    if (name === "content-length") {
      if (length !== undefined) return "two content-length fields";
      length = value;
    } else if (name === "transfer-encoding") {
      if (transferEncoding !== undefined) return "two transfer-encoding fields";
      transferEncoding = value.toLowerCase();
    } else if (name === "connection") {
      const options = value.toLowerCase();
      if (options.includes("close")) close = true;
      if (options.includes("keep-alive")) keepAlive = true;
    }
  }
  if (length !== undefined && !LENGTH.test(length)) return "bad content-length";
  if (transferEncoding !== undefined) {
    if (length !== undefined) return "both content-length and transfer-encoding";
    if (transferEncoding !== "chunked") return "a transfer-encoding other than chunked";
    if (line.minorVersion === 0) return "transfer-encoding in HTTP/1.0";
  }
  // Wherever it stands, `close` wins.
  keepAlive &&= !close;
  if (line.status < 200 || line.status === 204 || line.status === 304) return { body: NONE, keepAlive };
  if (transferEncoding !== undefined) return { body: CHUNKED, keepAlive };
  if (length === undefined) return { body: UNTIL_CLOSE, keepAlive: false };
  const lengthBytes = Number(length);
  return { body: lengthBytes === 0 ? NONE : { kind: "length", lengthBytes }, keepAlive };
}
