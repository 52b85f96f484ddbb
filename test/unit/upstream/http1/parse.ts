/** Runs a response through the parser in pieces, the way a connection does. */
import { ResponseParser } from "../../../../src/upstream/http1/response-parser.ts";

/** What came of it. */
export interface Parsed {
  readonly outcome: "complete" | "incomplete" | "refused";
  readonly fault: string | null;
  readonly status: number;
  /** Flat pairs. */
  readonly headers: readonly string[];
  /** As latin1. */
  readonly body: string;
  /** Bytes of the response that were read. */
  readonly consumed: number;
  readonly keepAlive: boolean;
}

/** What a shared read buffer holds after the end of a read: leftovers that look like an answer. */
const STALE = Buffer.from("\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");

/** @param cuts positions, ascending, where a read ends. @param closes whether the peer closes after the last byte. */
export function parseCut(response: Buffer, cuts: readonly number[], closes = true): Parsed {
  let status = 0;
  let headers: readonly string[] = [];
  const body: string[] = [];
  const parser = new ResponseParser({
    onHead: (code, fields) => {
      status = code;
      headers = fields;
    },
    onBody: (bytes, start, end) => void body.push(bytes.toString("latin1", start, end)),
  });
  let consumed = 0;
  let start = 0;
  for (const cut of [...cuts, response.length]) {
    if (cut === start) continue;
    const shared = Buffer.concat([response.subarray(start, cut), STALE]);
    const length = cut - start;
    const read = parser.read(shared, 0, length);
    consumed += read;
    start = cut;
    if (parser.fault !== null || parser.done || read < length) break;
  }
  if (closes && !parser.done && parser.fault === null) parser.finish();
  const outcome = parser.fault !== null ? "refused" : parser.done ? "complete" : "incomplete";
  const keepAlive = parser.keepAlive && parser.done;
  return { outcome, fault: parser.fault, status, headers, body: body.join(""), consumed, keepAlive };
}

/** Every way to cut the response in two, and byte by byte. */
export function* everyCut(response: Buffer): Generator<number[]> {
  yield [];
  for (let at = 1; at < response.length; at++) yield [at];
  yield Array.from({ length: response.length - 1 }, (_, at) => at + 1);
}

/** A response of `lines` (CRLF each), an empty line and `body`, as latin1. */
export function responseText(lines: readonly string[], body = ""): Buffer {
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`, "latin1");
}
