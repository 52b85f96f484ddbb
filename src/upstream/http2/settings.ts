/**
 * What every HTTP/2 session of the gateway announces and allows.
 *
 * Bounds that are not ours, since nghttp2 and Node hold them already (Node 24.21, nghttp2 1.70): at most 32 entries in a
 * SETTINGS frame, 8 CONTINUATION frames after a HEADERS frame, 1,000 unsent answers to PING and SETTINGS (a flood of
 * either ends the session), 1,000 invalid frames (`maxSessionInvalidFrames`), 128 fields in a header block
 * (`maxHeaderListPairs`), 64 KiB in one field. Unknown frame types are skipped without being kept. A body that is longer or shorter than its
 * `content-length`, upper-case names, a bad `:status` and fields that belong to one connection reset the stream.
 */
import type { ClientSessionOptions } from "node:http2";

/** Bytes of one stream that may be under way: what still arrives after `pause()`. */
export const STREAM_WINDOW_BYTES = 128 * 1024;

/** Bytes of the request body that one stream hands to nghttp2 at a time. */
export const UPLOAD_SLICE_BYTES = 64 * 1024;

/** Largest header block taken, as RFC 9113 §6.5.2 counts it: names, values and 32 bytes for each field. */
export const HEADER_LIST_BYTES = 64 * 1024;

/**
 * Node refuses *response* fields while more than this is queued in a session, and request bodies count. Above 100 streams ×
 * {@link UPLOAD_SLICE_BYTES}, so that large uploads on some streams can't break the answers to others. Megabytes.
 */
const SESSION_MEMORY_MEGABYTES = 64;

/** Options for `http2.connect`. */
export const SESSION_OPTIONS: ClientSessionOptions = {
  maxSessionMemory: SESSION_MEMORY_MEGABYTES,
  settings: {
    enablePush: false,
    initialWindowSize: STREAM_WINDOW_BYTES,
    maxHeaderListSize: HEADER_LIST_BYTES,
  },
};

/** When sessions are rotated, probed and given up. */
export interface Http2Tuning {
  /** Most streams at once on a session; the peer's own limit may be lower. */
  readonly maxStreamsPerSession: number;
  /** Age after which a session takes no more streams, milliseconds. Each session's own is up to a tenth shorter. */
  readonly maxSessionAgeMs: number;
  /** Streams served after which a session takes no more. */
  readonly maxSessionStreams: number;
  /** Silence after which a session with open streams is asked for a sign of life, milliseconds. */
  readonly pingAfterMs: number;
  /** How long that may take, milliseconds, before the session counts as dead. */
  readonly pingTimeoutMs: number;
}

/** 100 streams, 30 minutes, 10,000 streams, 20 s, 10 s. */
export const DEFAULT_HTTP2_TUNING: Http2Tuning = {
  maxStreamsPerSession: 100,
  maxSessionAgeMs: 30 * 60_000,
  maxSessionStreams: 10_000,
  pingAfterMs: 20_000,
  pingTimeoutMs: 10_000,
};
