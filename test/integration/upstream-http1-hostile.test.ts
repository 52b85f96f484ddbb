/** An upstream that never ends what it began: a failure in bounded memory, and the next request is served as if nothing had happened. */
import assert from "node:assert/strict";
import type net from "node:net";
import { test } from "node:test";
import { ExchangeRecorder, TestHttp1Endpoint } from "../support/exchange-recorder.ts";
import { STREAM_HEAD, response, startScripted } from "../support/scripted-upstream.ts";

const TOTAL_BYTES = 100 * 1024 * 1024;
/** What loopback's socket buffers and one piece may hold; far from what the upstream wants to send. */
const TAKEN_BYTES = 24 * 1024 * 1024;

const HOSTILE: Record<string, { readonly start: string; readonly piece: string; readonly fault: RegExp }> = {
  "a 100 MB header": { start: "HTTP/1.1 200 OK\r\nx: ", piece: "x", fault: /head too long/ },
  "a 100 MB reason phrase": { start: "HTTP/1.1 200 ", piece: "x", fault: /head too long/ },
  "header lines without end": { start: "HTTP/1.1 200 OK\r\n", piece: "x-a: b\r\n", fault: /head too long/ },
  "a 100 MB chunk size": { start: STREAM_HEAD, piece: "0", fault: /chunk size too long/ },
  "a 100 MB chunk extension": { start: `${STREAM_HEAD}5;a=`, piece: "x", fault: /chunk extensions too long/ },
  "a trailer without end": { start: `${STREAM_HEAD}0\r\n`, piece: "x-a: b\r\n", fault: /trailer too long/ },
  "a 100 MB trailer": { start: `${STREAM_HEAD}0\r\nx: `, piece: "x", fault: /trailer too long/ },
  "1xx answers without end": { start: "", piece: "HTTP/1.1 100 Continue\r\n\r\n", fault: /too many 1xx/ },
  "garbage without end": { start: "", piece: "x", fault: /not an HTTP/ },
};

function pour(socket: net.Socket, start: string, piece: string): void {
  const block = Buffer.from(piece.repeat(Math.ceil(65_536 / piece.length)));
  let poured = 0;
  const more = (): void => {
    while (poured < TOTAL_BYTES && !socket.destroyed) {
      poured += block.length;
      if (!socket.write(block)) return void socket.once("drain", more);
    }
  };
  socket.write(start);
  more();
}

for (const [what, { start, piece, fault }] of Object.entries(HOSTILE)) {
  test(`${what} is a protocol failure after a bounded read, and the next request is served`, async () => {
    let taken = 0;
    await using upstream = await startScripted(({ socket }) => {
      if (upstream.requests.length > 1) {
        socket.write(response(200, "{}"));
        return;
      }
      socket.on("close", () => (taken = socket.bytesWritten - socket.writableLength));
      pour(socket, start, piece);
    });
    using endpoint = new TestHttp1Endpoint(upstream.url);
    const recorder = new ExchangeRecorder().open(endpoint);
    assert.equal(await recorder.ended(), "protocol");
    assert.match(recorder.failure!.detail, fault);
    assert.deepEqual([recorder.failure!.safeToRetry, recorder.bodyBytes, recorder.violations], [false, 0, []]);
    await upstream.allClosed();
    assert.ok(taken < TAKEN_BYTES, `${taken} bytes were taken`);
    assert.deepEqual([endpoint.connections, endpoint.wheel.size], [0, 0]);
    assert.equal(await new ExchangeRecorder().open(endpoint).ended(), "end");
  });
}

test("a second answer hidden behind or inside the first is never given to the next request", async () => {
  const evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
  const smuggling = [
    `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok${evil}`,
    `HTTP/1.1 204 No Content\r\ncontent-length: 10\r\n\r\n${evil}`,
    `HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${evil}`,
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${evil}`,
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n${evil}`,
    `HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 40\r\n\r\n${evil}`,
    `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n${evil}`,
    `HTTP/1.1 100 Continue\r\ncontent-length: 40\r\nconnection: close\r\n\r\n${evil}`,
    `HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n\r\n${evil}`,
  ];
  await using upstream = await startScripted(({ socket, head }) => {
    const which = /^GET \/(\d+) /.exec(head);
    if (which === null) socket.write(response(200, "good"));
    else socket.write(smuggling[Number(which[1])]!);
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  for (const index of smuggling.keys()) {
    const victim = new ExchangeRecorder();
    const attacked = new ExchangeRecorder();
    // The next request comes as early as it can.
    attacked.hook = (call) => {
      if (call === "end" || call === "fail") victim.open(endpoint);
    };
    attacked.open(endpoint, { method: "GET", path: `/${index}`, headers: [], body: [] });
    // The last of them has a body until the connection closes.
    if (index === smuggling.length - 1) {
      await attacked.until(() => attacked.bodyBytes === evil.length);
      for (const socket of upstream.open) socket.end();
    }
    await attacked.ended();
    assert.equal(await victim.ended(), "end");
    assert.equal(victim.body.toString(), "good", smuggling[index]);
    assert.deepEqual(victim.violations, []);
  }
});
