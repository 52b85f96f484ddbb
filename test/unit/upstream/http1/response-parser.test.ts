import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_HEAD_BYTES, ResponseParser } from "../../../../src/upstream/http1/response-parser.ts";
import { everyCut, parseCut, responseText } from "./parse.ts";

const CHUNKED = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"];

function assertRefused(response: Buffer): void {
  for (const cuts of everyCut(response))
    assert.equal(parseCut(response, cuts).outcome, "refused", `cut at ${cuts.join()}`);
}

const AMBIGUOUS: Record<string, readonly string[]> = {
  "content-length beside transfer-encoding": ["Content-Length: 5", "Transfer-Encoding: chunked"],
  "transfer-encoding beside content-length": ["Transfer-Encoding: chunked", "Content-Length: 5"],
  "two content-length fields": ["Content-Length: 5", "Content-Length: 6"],
  "the same content-length twice": ["Content-Length: 5", "Content-Length: 5"],
  "a list in content-length": ["Content-Length: 5, 5"],
  "a sign in content-length": ["Content-Length: +5"],
  "a negative content-length": ["Content-Length: -5"],
  "hex in content-length": ["Content-Length: 0x5"],
  "a fraction in content-length": ["Content-Length: 5.0"],
  "an empty content-length": ["Content-Length:"],
  "a content-length beyond any number": ["Content-Length: 99999999999999999999"],
  "a space before the colon": ["Content-Length : 5"],
  "a tab before the colon": ["Transfer-Encoding\t: chunked"],
  "a folded field": ["X-A: 1", " Content-Length: 5"],
  "a folded coding": ["Transfer-Encoding:", " chunked"],
  "two codings": ["Transfer-Encoding: gzip, chunked"],
  "the coding twice": ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
  "an unknown coding": ["Transfer-Encoding: xchunked"],
  "a quoted coding": ['Transfer-Encoding: "chunked"'],
  "a coding with a control character": ["Transfer-Encoding: \u000bchunked"],
  "a NUL in a value": ["X-A: a\u0000b"],
  "a bare CR in a value": ["X-A: a\rContent-Length: 5"],
  "a bare LF in a value": ["X-A: a\nContent-Length: 5"],
  "an empty field name": [": 5"],
  "a line without a colon": ["Content-Length 5"],
  "a name in UTF-8": ["Content-L\u00ebngth: 5"],
};

for (const [what, lines] of Object.entries(AMBIGUOUS)) {
  test(`refuses ${what}, however it is cut`, () => {
    assertRefused(responseText(["HTTP/1.1 200 OK", ...lines], "5\r\nhello\r\n0\r\n\r\n"));
  });
}

test("refuses transfer-encoding in HTTP/1.0", () => {
  assertRefused(responseText(["HTTP/1.0 200 OK", "Transfer-Encoding: chunked"], "0\r\n\r\n"));
});

test("refuses framing it can't trust in a 1xx response too", () => {
  assertRefused(responseText(["HTTP/1.1 103 Early Hints", "Content-Length: 5", "Transfer-Encoding: chunked"]));
});

test("refuses what follows a 1xx response that ends the connection", () => {
  const final = responseText(["HTTP/1.1 204 No Content"]);
  for (const lines of [["HTTP/1.1 100 Continue", "Connection: close"], ["HTTP/1.0 100 Continue"]]) {
    assertRefused(Buffer.concat([responseText(lines), final]));
  }
});

for (const size of [
  "",
  " 5",
  "5 ",
  "0x5",
  "-1",
  "+5",
  "5\t",
  "g",
  "5;",
  "5;=a",
  '5;a="',
  '5;a="\u0001"',
  "5;a b",
  "10000000000000",
]) {
  test(`refuses the chunk size line ${JSON.stringify(size)}`, () => {
    assertRefused(responseText(CHUNKED, `${size}\r\nhello\r\n0\r\n\r\n`));
  });
}

for (const [what, body] of Object.entries({
  "a bare LF after a chunk size": "5\nhello\r\n0\r\n\r\n",
  "a bare CR after a chunk size": "5\rhello\r\n0\r\n\r\n",
  "a chunk longer than it says": "5\r\nhello!\r\n0\r\n\r\n",
  "a chunk that ends in a bare LF": "5\r\nhello\n0\r\n\r\n",
  "a trailer that is not a field": "0\r\nnonsense\r\n\r\n",
  "a folded trailer": "0\r\na: 1\r\n b: 2\r\n\r\n",
})) {
  test(`refuses ${what}`, () => assertRefused(responseText(CHUNKED, body)));
}

for (const [what, lines, keepAlive] of [
  ["HTTP/1.1", ["HTTP/1.1 200 OK"], true],
  ["HTTP/1.1 with close", ["HTTP/1.1 200 OK", "Connection: close"], false],
  ["HTTP/1.1 with close in a list", ["HTTP/1.1 200 OK", "Connection: X-A, Close"], false],
  ["HTTP/1.0", ["HTTP/1.0 200 OK"], false],
  ["HTTP/1.0 with keep-alive", ["HTTP/1.0 200 OK", "Connection: Keep-Alive"], true],
  ["HTTP/1.0 with keep-alive and close", ["HTTP/1.0 200 OK", "Connection: keep-alive, close"], false],
  ["HTTP/1.0 with close, then keep-alive", ["HTTP/1.0 200 OK", "Connection: close", "Connection: keep-alive"], false],
  ["HTTP/1.1 with close, then keep-alive", ["HTTP/1.1 200 OK", "Connection: close", "Connection: keep-alive"], false],
] as const) {
  test(`${keepAlive ? "keeps" : "does not keep"} the connection after ${what}`, () => {
    for (const framing of ["Content-Length: 2", "Content-Length: 0"]) {
      const parsed = parseCut(responseText([...lines, framing], framing.endsWith("2") ? "ok" : ""), []);
      assert.deepEqual([parsed.outcome, parsed.keepAlive], ["complete", keepAlive]);
    }
  });
}

test("accepts a head of exactly the limit and refuses one byte more, wherever the reads are cut", () => {
  const padding = MAX_HEAD_BYTES - "HTTP/1.1 204 X\r\na: ".length;
  for (const [extra, outcome] of [
    [0, "complete"],
    [1, "refused"],
  ] as const) {
    const response = responseText(["HTTP/1.1 204 X", `a: ${"x".repeat(padding + extra)}`]);
    const { length } = response;
    for (const cuts of [
      [],
      [1],
      [1000],
      ...[1, 2, 3, 4, 5, 6].map((back) => [length - back]),
      [length - 3, length - 2, length - 1],
    ]) {
      assert.equal(parseCut(response, cuts).outcome, outcome, `${extra} more, cut at ${cuts.join()}`);
    }
  }
});

test("fails on the first line that ends in a bare LF, without waiting for the end of a head that won't come", () => {
  for (const text of ["HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\r\nServer: x\n", "HTTP/1.1 200 OK\r\nServer: x\r\n\n"]) {
    for (const cuts of everyCut(Buffer.from(text)))
      assert.equal(parseCut(Buffer.from(text), cuts, false).outcome, "refused");
  }
});

test("fails on the first byte that is no HTTP, without waiting for more", () => {
  for (const text of ["<", "\r\n", " HTTP/1.1", "HTTP/2", "\u0016\u0003\u0001"]) {
    assert.equal(parseCut(Buffer.from(text), [], false).outcome, "refused");
  }
});

test("takes sixteen 1xx responses and not one more", () => {
  const interim = "HTTP/1.1 102 Processing\r\n\r\n";
  const final = "HTTP/1.1 204 No Content\r\n\r\n";
  assert.equal(parseCut(Buffer.from(interim.repeat(16) + final), []).outcome, "complete");
  assert.equal(parseCut(Buffer.from(interim.repeat(17) + final), []).outcome, "refused");
});

test("bounds chunk extensions and trailers", () => {
  const extended = (bytes: number): Buffer => responseText(CHUNKED, `0;${"x".repeat(bytes)}\r\n\r\n`);
  const trailed = (bytes: number): Buffer => responseText(CHUNKED, `0\r\na: ${"x".repeat(bytes)}\r\n\r\n`);
  for (const make of [extended, trailed]) {
    assert.equal(parseCut(make(1000), []).outcome, "complete");
    assert.equal(parseCut(make(1000), [200, 500, 501]).outcome, "complete");
    assert.equal(parseCut(make(20_000), []).outcome, "refused");
    assert.equal(parseCut(make(20_000), [200, 10_000]).outcome, "refused");
  }
});

test("reads the longest trailer in one pass", () => {
  const response = responseText(CHUNKED, `0\r\na: ${"x".repeat(16_000)}\r\n\r\n`);
  const startedMs = performance.now();
  for (let i = 0; i < 100; i++) assert.equal(parseCut(response, []).outcome, "complete");
  // Byte by byte into a growing text it was 13 ms each; in one pass 0.1 ms.
  assert.ok(performance.now() - startedMs < 500);
});

test("leaves the byte after a complete response unread", () => {
  for (const response of [
    responseText(["HTTP/1.1 200 OK", "Content-Length: 5"], "hello"),
    responseText(["HTTP/1.1 204 No Content", "Content-Length: 5"]),
    responseText(["HTTP/1.1 304 Not Modified", "Transfer-Encoding: chunked"]),
    responseText(CHUNKED, "5\r\nhello\r\n0\r\n\r\n"),
    responseText(CHUNKED, "5\r\nhello\r\n0\r\nx: y\r\n\r\n"),
  ]) {
    const surplus = Buffer.concat([response, Buffer.from("HTTP/1.1 200 OK\r\n\r\n")]);
    for (const cuts of everyCut(surplus)) {
      const parsed = parseCut(surplus, cuts);
      assert.deepEqual([parsed.outcome, parsed.consumed], ["complete", response.length], `cut at ${cuts.join()}`);
    }
  }
});

test("says nothing more to a handler that stops it at the head", () => {
  const calls: string[] = [];
  const parser: ResponseParser = new ResponseParser({
    onHead: () => {
      calls.push("head");
      parser.stop();
    },
    onBody: () => void calls.push("body"),
  });
  const response = responseText(["HTTP/1.1 200 OK", "Content-Length: 5"], "hello");
  parser.read(response, 0, response.length);
  assert.deepEqual(calls, ["head"]);
});
