/**
 * Sends one request body, a bounded piece at a time, and lets go of it as soon as its last piece is handed over: a stream
 * outlives its prompt by minutes.
 */
import type { ClientHttp2Stream } from "node:http2";
import { UPLOAD_SLICE_BYTES } from "./settings.ts";

/** Writes `body` to `stream` and ends it: END_STREAM comes with the last piece, or right after it. */
export function upload(stream: ClientHttp2Stream, body: readonly Uint8Array[]): void {
  let sizeBytes = 0;
  for (const slice of body) sizeBytes += slice.length;
  if (sizeBytes > UPLOAD_SLICE_BYTES) return uploadInPieces(stream, cut(body));
  // Corked, so that several slices leave as one write; `end` uncorks.
  stream.cork();
  for (const slice of body) stream.write(slice);
  stream.end();
}

function uploadInPieces(stream: ClientHttp2Stream, pieces: Generator<Uint8Array, undefined>): void {
  const proceed = (): void => {
    while (!stream.writableEnded) {
      const piece = pieces.next();
      if (piece.done !== true) {
        if (!stream.write(piece.value)) return;
        continue;
      }
      stream.off("drain", proceed);
      stream.end();
    }
  };
  stream.on("drain", proceed);
  proceed();
}

function* cut(body: readonly Uint8Array[]): Generator<Uint8Array, undefined> {
  for (const slice of body) {
    for (let at = 0; at < slice.length; at += UPLOAD_SLICE_BYTES) yield slice.subarray(at, at + UPLOAD_SLICE_BYTES);
  }
}
