/** Giving up, pausing, and doing things to the transport from within its own calls, over real sockets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ExchangeRecorder, GET, TestHttp1Endpoint } from "../support/exchange-recorder.ts";
import type { SinkCall } from "../support/exchange-recorder.ts";
import { LAST_CHUNK, STREAM_HEAD, chunk, response, startScripted } from "../support/scripted-upstream.ts";
import type { ScriptedUpstream } from "../support/scripted-upstream.ts";

const OK = response(200, "{}");

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function requested(upstream: ScriptedUpstream, count = 1): Promise<void> {
  while (upstream.requests.length < count) await turn();
}

/** Nothing is left, and nothing more was said. */
async function assertGone(
  upstream: ScriptedUpstream,
  endpoint: TestHttp1Endpoint,
  recorder: ExchangeRecorder,
): Promise<void> {
  assert.deepEqual([endpoint.connections, endpoint.outstanding, endpoint.wheel.size], [0, 0, 0]);
  await upstream.allClosed();
  await turn();
  assert.deepEqual(recorder.violations, []);
}

test("an abort before the connection is open leaves nothing behind", async () => {
  await using upstream = await startScripted(() => {});
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder().open(endpoint);
  recorder.abort();
  recorder.abort();
  await assertGone(upstream, endpoint, recorder);
  assert.deepEqual([recorder.calls, upstream.requests.length], [[], 0]);
});

test("an abort in the middle of the TLS handshake closes the socket at once", async () => {
  await using upstream = await startScripted(() => {});
  using endpoint = new TestHttp1Endpoint(upstream.url.replace("http:", "https:"));
  const recorder = new ExchangeRecorder().open(endpoint);
  while (upstream.open.size === 0) await turn();
  recorder.abort();
  await assertGone(upstream, endpoint, recorder);
  assert.deepEqual(recorder.calls, []);
});

test("an abort while the answer is waited for closes the socket at once", async () => {
  await using upstream = await startScripted(() => {});
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder().open(endpoint);
  await requested(upstream);
  recorder.abort();
  await assertGone(upstream, endpoint, recorder);
  assert.deepEqual(recorder.calls, ["sent"]);
});

test("an abort in the middle of the head closes the socket at once", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 O");
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder().open(endpoint);
  await requested(upstream);
  for (let i = 0; i < 5; i++) await turn();
  recorder.abort();
  upstream.requests[0]!.socket.write("K\r\ncontent-length: 0\r\n\r\n");
  await assertGone(upstream, endpoint, recorder);
  assert.deepEqual(recorder.calls, ["sent"]);
});

test("an abort in the middle of the body closes the socket at once, and what still comes is dropped", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD + chunk("one").toString());
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder().open(endpoint);
  await recorder.heard("flush");
  upstream.requests[0]!.socket.write(chunk("two"));
  recorder.abort();
  await assertGone(upstream, endpoint, recorder);
  assert.equal(recorder.body.toString(), "one");
});

test("an abort after the end does nothing to the connection, which may carry another's answer by now", async () => {
  await using upstream = await startScripted(({ socket, index }) => {
    socket.write(index === 0 ? OK : STREAM_HEAD);
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const first = new ExchangeRecorder().open(endpoint);
  await first.ended();
  const second = new ExchangeRecorder().open(endpoint);
  await second.heard("head");
  first.abort();
  first.exchange!.pause();
  upstream.requests[1]!.socket.write(Buffer.concat([chunk("x"), Buffer.from(LAST_CHUNK)]));
  assert.equal(await second.ended(), "end");
  assert.equal(upstream.accepted, 1);
});

for (const call of ["sent", "head", "body", "flush", "end"] as const satisfies readonly SinkCall[]) {
  test(`a sink may abort inside ${call} and hears nothing more`, async () => {
    // Everything in one write, a surplus too: all of it is at hand when the sink gives up.
    await using upstream = await startScripted(({ socket }) => {
      socket.write(
        Buffer.concat([Buffer.from(STREAM_HEAD), chunk("one"), chunk("two"), Buffer.from(`${LAST_CHUNK}x`)]),
      );
    });
    using endpoint = new TestHttp1Endpoint(upstream.url);
    const recorder = new ExchangeRecorder();
    recorder.hook = (one) => {
      if (one === call) recorder.abort();
    };
    recorder.open(endpoint);
    await recorder.heard(call);
    await assertGone(upstream, endpoint, recorder);
    assert.equal(recorder.calls.at(-1), call);
  });
}

test("a sink may abort inside fail", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write("nonsense"));
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder();
  recorder.hook = (call) => {
    if (call === "fail") recorder.abort();
  };
  assert.equal(await recorder.open(endpoint).ended(), "protocol");
  await assertGone(upstream, endpoint, recorder);
});

test("a sink may open the next exchange inside end, on the same connection, and close the endpoint inside the next", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(OK));
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorders: ExchangeRecorder[] = [];
  const next = (): ExchangeRecorder => {
    const recorder = new ExchangeRecorder();
    recorders.push(recorder);
    recorder.hook = (call) => {
      if (call !== "end") return;
      if (recorders.length < 20) next();
      else endpoint.destroy();
    };
    return recorder.open(endpoint);
  };
  next();
  while (recorders.length < 20) await recorders.at(-1)!.ended();
  await recorders.at(-1)!.ended();
  for (const { body, violations } of recorders) assert.deepEqual([body.toString(), violations], ["{}", []]);
  assert.deepEqual([upstream.accepted, endpoint.connections, endpoint.wheel.size], [1, 0, 0]);
});

test("a sink may open again inside fail", async () => {
  await using upstream = await startScripted(({ socket }) => {
    if (upstream.requests.length === 1) socket.resetAndDestroy();
    else socket.write(OK);
  });
  using endpoint = new TestHttp1Endpoint(upstream.url, { max: 1 });
  const first = new ExchangeRecorder();
  const second = new ExchangeRecorder();
  first.hook = (call) => {
    if (call === "fail") second.open(endpoint);
  };
  assert.equal(await first.open(endpoint).ended(), "disconnected");
  assert.equal(await second.ended(), "end");
});

test("nothing of an answer shows in the next one on the same connection", async () => {
  const answers = [
    "HTTP/1.1 200 OK\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n3;e=f\r\none\r\n0\r\nx-t: 1\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\ntwo",
    "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
  ];
  await using upstream = await startScripted(
    ({ socket, index }) => void socket.write(answers[index % answers.length]!),
  );
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const seen: unknown[] = [];
  for (let i = 0; i < answers.length * 2; i++) {
    const recorder = new ExchangeRecorder().open(endpoint);
    assert.equal(await recorder.ended(), "end");
    if (i >= answers.length) seen.push([recorder.status, recorder.body.toString(), recorder.headers.length / 2]);
  }
  assert.deepEqual(seen, [
    [200, "one", 2],
    [204, "", 0],
    [404, "two", 1],
    [304, "", 1],
    [200, "", 1],
    [200, "", 1],
  ]);
  assert.equal(upstream.accepted, 1);
});

test("a pause stops the reading, at most one read still arrives, and resume brings every byte", async () => {
  const totalBytes = 32 * 1024 * 1024;
  const slice = Buffer.alloc(1024 * 1024, "x");
  await using upstream = await startScripted(({ socket, head }) => {
    if (!head.startsWith("GET /large")) {
      socket.write(OK);
      return;
    }
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${totalBytes}\r\n\r\n`);
    for (let sent = 0; sent < totalBytes; sent += slice.length) socket.write(slice);
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder();
  recorder.keepsBody = false;
  recorder.hook = (call) => {
    if (call === "head") recorder.exchange!.pause();
  };
  recorder.open(endpoint, { ...GET, path: "/large" });
  await recorder.heard("head");
  for (let i = 0; i < 20; i++) await new ExchangeRecorder().open(endpoint).ended();
  assert.ok(recorder.bodyBytes <= 64 * 1024, `${recorder.bodyBytes} bytes after the pause`);
  // The peer is held up: the kernel's buffers are full.
  assert.ok(upstream.requests[0]!.socket.writableLength > totalBytes / 4);
  const paused = recorder.bodyBytes;
  recorder.exchange!.resume();
  recorder.exchange!.pause();
  for (let i = 0; i < 20; i++) await new ExchangeRecorder().open(endpoint).ended();
  assert.ok(recorder.bodyBytes - paused <= 64 * 1024);
  recorder.exchange!.resume();
  assert.equal(await recorder.ended(), "end");
  assert.deepEqual([recorder.bodyBytes, recorder.violations], [totalBytes, []]);
});

test("an exchange may be paused before its connection is open", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(OK));
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder().open(endpoint);
  recorder.exchange!.pause();
  await requested(upstream);
  for (let i = 0; i < 20; i++) await turn();
  assert.deepEqual(recorder.calls, ["sent"]);
  recorder.exchange!.resume();
  assert.equal(await recorder.ended(), "end");
});

test("a connection that was paused when its answer ended reads on for the next", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(OK));
  using endpoint = new TestHttp1Endpoint(upstream.url);
  for (let i = 0; i < 3; i++) {
    const recorder = new ExchangeRecorder();
    recorder.hook = (call) => {
      if (call === "flush") recorder.exchange!.pause();
    };
    assert.equal(await recorder.open(endpoint).ended(), "end");
    assert.equal(endpoint.connections, 1);
  }
  assert.equal(upstream.accepted, 1);
  // It listens while it is idle, too.
  upstream.requests[0]!.socket.end();
  await upstream.allClosed();
  assert.equal(endpoint.connections, 0);
});

test("an abort while paused closes the socket at once", async () => {
  await using upstream = await startScripted(({ socket }) => void socket.write(STREAM_HEAD + chunk("x").toString()));
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder().open(endpoint);
  await recorder.heard("flush");
  recorder.exchange!.pause();
  recorder.abort();
  recorder.exchange!.resume();
  await assertGone(upstream, endpoint, recorder);
});
