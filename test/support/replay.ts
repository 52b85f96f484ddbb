/** Recorded streams written to a socket as an upstream might: in each framing of HTTP, cut wherever a test says. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { chunk, LAST_CHUNK } from "./scripted-upstream.ts";
import type { ReceivedRequest } from "./scripted-upstream.ts";

/** How the length of a body is told. */
export type Framing = "chunked" | "content-length" | "until-close";

/** All of them. */
export const FRAMINGS: readonly Framing[] = ["chunked", "content-length", "until-close"];

/** Fields of an upstream's that are passed on, and others that are not. */
const HEAD = [
  "HTTP/1.1 200 OK",
  "Content-Type: text/event-stream",
  "openai-processing-ms: 42",
  "openai-version: 2020-10-01",
  "set-cookie: secret=1",
  "server: provider",
  "x-headwaiter-upstream: forged",
  "x-request-id: theirs",
];

/** A whole answer's bytes. @param sizes of the chunks, over and over; one chunk where there are none. */
export function framed(wire: Buffer, framing: Framing, sizes: readonly number[]): Buffer {
  const head = [...HEAD];
  if (framing === "content-length") head.push(`Content-Length: ${wire.length}`);
  if (framing === "chunked") head.push("Transfer-Encoding: chunked");
  if (framing === "until-close") head.push("Connection: close");
  const pieces: Buffer[] = [Buffer.from(`${head.join("\r\n")}\r\n\r\n`)];
  if (framing !== "chunked") return Buffer.concat([...pieces, wire]);
  for (let at = 0, i = 0; at < wire.length; i++) {
    const size = sizes.length === 0 ? wire.length : sizes[i % sizes.length]!;
    pieces.push(chunk(wire.subarray(at, at + size)));
    at += size;
  }
  return Buffer.concat([...pieces, Buffer.from(LAST_CHUNK)]);
}

/** Writes `bytes` in pieces that end at `cuts`, each in a turn of its own. @param close whether the connection ends behind them. */
export async function writeInPieces(
  { socket }: ReceivedRequest,
  bytes: Buffer,
  cuts: Iterable<number>,
  close: boolean,
): Promise<void> {
  socket.setNoDelay(true);
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut <= from) continue;
    socket.write(bytes.subarray(from, cut));
    from = cut;
    await nextTurn();
  }
  if (close) socket.end();
}

/** Cuts behind each of the first and last `singles` bytes, where things happen, and now and then between. */
export function* everyByte(bytes: Buffer, singles: number): Iterable<number> {
  for (let i = 1; i < bytes.length; i++) if (i < singles || i > bytes.length - singles || i % 997 === 0) yield i;
}
