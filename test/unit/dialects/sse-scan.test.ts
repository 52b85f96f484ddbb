import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createParser } from "eventsource-parser";
import { SseScan } from "../../../src/dialects/sse-scan.ts";
import { scanInPieces } from "./scan-oracle.ts";

/** Notes what a dialect would be shown. */
class NotingScan extends SseScan {
  readonly lines: string[] = [];
  readonly tails: string[] = [];

  protected override line(bytes: Buffer, start: number, end: number): void {
    this.lines.push(bytes.toString("utf8", start, end));
  }

  protected override lineTail(bytes: Buffer, start: number, end: number): void {
    this.tails.push(bytes.toString("utf8", start, end));
  }

  override usage(): undefined {
    return undefined;
  }

  override cutShort(): string {
    return "";
  }
}

const line = fc.oneof(
  fc.constantFrom(
    "",
    "",
    "data: x",
    "data:x",
    "data",
    ": comment",
    ":",
    "event: error",
    "id: 1",
    "retry: 5",
    "é𝄞",
    " ",
  ),
  fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text.replaceAll(/[\r\n\uFEFF]/g, "_")),
);
const stream = fc
  .tuple(fc.constantFrom("", "\uFEFF"), fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n")), { maxLength: 30 }))
  .map(([mark, lines]) => ({ text: mark + lines.flat().join(""), lines: lines.map(([text]) => text) }));

test("shows each line that is not empty once and whole, and knows where events end, however the stream is cut", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(900), { maxLength: 40 }), fc.boolean(), ({ text, lines }, cuts, everyByte) => {
      const wire = Buffer.from(text);
      const scan = new NotingScan();
      scanInPieces(scan, wire, everyByte ? wire.keys() : cuts.sort((a, b) => a - b));
      assert.deepEqual(
        scan.lines,
        lines.filter((one) => one !== ""),
      );
      assert.deepEqual(scan.tails, []);
    }),
    { numRuns: 1500 },
  );
});

test("what is put in at a boundary is an event of its own, and changes none of the others", () => {
  fc.assert(
    fc.property(stream, fc.nat(900), ({ text }, cut) => {
      const wire = Buffer.from(`${text}\n\n`);
      const at = Math.min(cut, wire.length);
      const scan = new NotingScan();
      scan.scan(wire, 0, at);
      if (!scan.atBoundary) return;
      const eventsIn = (bytes: Buffer): string[] => {
        const events: string[] = [];
        const onEvent = (event: { event?: string | undefined; data: string }): void =>
          void events.push(`${event.event}:${event.data}`);
        createParser({ onEvent, onComment: () => {} }).feed(bytes.toString());
        return events;
      };
      // After a byte order mark alone nothing would be lost either, but the mark has to come first.
      const put = Buffer.concat([wire.subarray(0, at), Buffer.from(": \n\n"), wire.subarray(at)]);
      if (at > 0) assert.deepEqual(eventsIn(put), eventsIn(wire));
    }),
    { numRuns: 1500 },
  );
});

test("of an overlong line it keeps the beginning and the end, in bounded memory, however it is cut", () => {
  const places = Array.from({ length: 200_000 }, (_, place) => place).join(",");
  for (const length of [65_535, 65_536, 65_537, 66_000, 73_000, 80_000, 1_000_000]) {
    const text = `data: ${places}`.slice(0, length);
    for (const lineEnd of ["\n", "\r\n"]) {
      const wire = Buffer.from(`${text}${lineEnd}${lineEnd}data: next\n\n`);
      for (const step of [1, 777, 16_384, 65_536]) {
        if (step === 1 && length > 80_000) continue;
        const scan = new NotingScan();
        for (let at = 0; at < wire.length; at += step) scan.scan(wire, at, Math.min(at + step, wire.length));
        assert.equal(scan.lines.length, 2);
        assert.ok(text.startsWith(scan.lines[0]!.replace(/\r$/, "")));
        assert.ok(scan.lines[0]!.length >= Math.min(length, 65_536));
        assert.equal(scan.lines[1], "data: next");
        assert.equal(scan.atBoundary, true);
        if (length <= 65_536) continue;
        assert.equal(scan.tails.length, 1);
        const tail = scan.tails[0]!.replace(/\r$/, "");
        assert.ok(text.endsWith(tail) && tail.length >= 8 * 1024 - 1 && tail.length <= 16 * 1024, `${tail.length}`);
      }
    }
  }
});

test("a hundred megabytes without a line end cost no more memory than the bound", () => {
  const scan = new NotingScan();
  const piece = Buffer.alloc(1 << 20, "x");
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 100; i++) scan.scan(piece, 0, piece.length);
  assert.ok(process.memoryUsage().arrayBuffers - before < 4 << 20);
  assert.equal(scan.atBoundary, false);
  assert.deepEqual(scan.lines, []);
});

test("looks at a last line without a line end once the stream has ended, and at nothing twice", () => {
  for (const cuts of [[], [3], [0, 1, 2, 3, 4, 5, 6]]) {
    const scan = new NotingScan();
    scanInPieces(scan, Buffer.from("data: a\n\ndata: last"), cuts);
    assert.deepEqual(scan.lines, ["data: a"]);
    scan.end();
    scan.end();
    assert.deepEqual(scan.lines, ["data: a", "data: last"]);
  }
});
