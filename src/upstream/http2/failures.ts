/** From the way a stream ended to what is told of it. */
import { constants } from "node:http2";
import type { ClientHttp2Stream } from "node:http2";
import type { TransportFailure } from "../exchange.ts";

/** Numbers of RFC 9113 §7, in order. */
const CODE_NAMES = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

/** Codes of the errors with which nghttp2 gives a whole session up: what came was not HTTP/2. */
const GIVEN_UP = new Set(["ERR_HTTP2_ERROR", "ERR_HTTP2_TOO_MANY_INVALID_FRAMES"]);

/** A connection or stream that ended before its answer was complete. */
export function disconnected(detail: string, safeToRetry: boolean): TransportFailure {
  return { kind: "disconnected", detail, safeToRetry };
}

/**
 * What the reset of one stream means.
 * @param sessionCause why its session ended, if it did.
 */
export function resetFailure(stream: ClientHttp2Stream, sessionCause: string | null): TransportFailure {
  const code = stream.rstCode;
  const detail = `stream ended with ${CODE_NAMES[code] ?? `code ${code}`}`;
  if (code === constants.NGHTTP2_REFUSED_STREAM) return disconnected(detail, true);
  const error: NodeJS.ErrnoException | null = stream.errored;
  if (error?.code !== undefined && GIVEN_UP.has(error.code)) {
    return { kind: "protocol", detail: error.message, safeToRetry: false };
  }
  if (sessionCause !== null) return disconnected(sessionCause, false);
  switch (code) {
    // nghttp2 resets with these what breaks HTTP's rules, and Node what breaks our limits. That a peer sends them of its own
    // accord is rare, and looks the same.
    case constants.NGHTTP2_PROTOCOL_ERROR:
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return { kind: "protocol", detail, safeToRetry: false };
    default:
      return disconnected(detail, false);
  }
}
