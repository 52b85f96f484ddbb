/** Request bodies, bounded. */

import type { Readable } from "node:stream";

/** See `Asked.gather`. What comes after the bound is read and dropped, so that the refusal can still be sent. */
export function gatherBody(source: Readable, maxBytes: number, done: (body: Buffer | undefined) => void): void {
  let pieces: Buffer[] | undefined = [];
  let sizeBytes = 0;
  source.on("data", (piece: Buffer) => {
    if (pieces === undefined) return;
    sizeBytes += piece.length;
    if (sizeBytes <= maxBytes) {
      pieces.push(piece);
      return;
    }
    pieces = undefined;
    done(undefined);
  });
  source.once("end", () => {
    if (pieces !== undefined) done(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, sizeBytes));
  });
}
