import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ResponseReader } from "../../../src/bench/response-reader.ts";

interface Seen {
  readonly statuses: number[];
  content: string;
  completed: number;
  fault: string | null;
}

function read(text: string, cuts: readonly number[] = []): Seen {
  const bytes = Buffer.from(text, "latin1");
  const seen: Seen = { statuses: [], content: "", completed: 0, fault: null };
  const reader = new ResponseReader();
  const sink = {
    onHead: (status: number) => void seen.statuses.push(status),
    onContent: (piece: Uint8Array, start: number, end: number) => {
      seen.content += Buffer.from(piece.subarray(start, end)).toString("latin1");
    },
    onComplete: () => void seen.completed++,
  };
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let at = 1; at < edges.length && seen.fault === null; at++) {
    // A buffer of its own each time, as reads share one: what is kept must have been copied.
    const piece = Buffer.from(bytes.subarray(edges[at - 1], edges[at]));
    seen.fault = reader.feed(piece, piece.length, sink);
    piece.fill(0);
  }
  return seen;
}

const chunked = (pieces: readonly string[]): string =>
  `${pieces.map((piece) => `${piece.length.toString(16)};x=y\r\n${piece}\r\n`).join("")}0\r\nt: u\r\n\r\n`;

test("reads chunked content whole, wherever reads are cut", () => {
  const piece = fc.string({ minLength: 1, maxLength: 40, unit: "binary-ascii" });
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat(), { maxLength: 30 }), (pieces, cuts) => {
      const seen = read(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunked(pieces)}`, cuts);
      assert.deepEqual(seen, { statuses: [200], content: pieces.join(""), completed: 1, fault: null });
    }),
  );
});

test("reads content of a stated length, wherever reads are cut", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), fc.array(fc.nat(), { maxLength: 30 }), (content, cuts) => {
      const seen = read(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\nx: y\r\n\r\n${content}`, cuts);
      assert.deepEqual(seen, { statuses: [200], content, completed: 1, fault: null });
    }),
  );
});

test("passes over interim answers", () => {
  const seen = read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  assert.deepEqual(seen.statuses, [200]);
  assert.equal(seen.completed, 1);
});

test("never takes content without framing for complete", () => {
  const seen = read("HTTP/1.1 200 OK\r\n\r\ndata: x\n\n");
  assert.equal(seen.content, "data: x\n\n");
  assert.equal(seen.completed, 0);
});

test("says what is wrong with an answer that breaks its framing", () => {
  const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  assert.match(read("SSH-2.0-x\r\n\r\n").fault ?? "", /status line/);
  assert.match(read(`${head}xyz\r\n`).fault ?? "", /chunk size/);
  assert.match(read(`${head}3\r\nabcd\r\n`).fault ?? "", /longer than its size/);
  assert.match(read(`${head}0\r\n\r\nrest`).fault ?? "", /follow the end/);
  assert.match(read(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(70_000)}`).fault ?? "", /too long/);
});
