/** HTTP/1.1 over TLS: the same promises, where Node hands out records instead of reads. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import tls from "node:tls";
import { ExchangeRecorder, TestHttp1Endpoint } from "../support/exchange-recorder.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../support/loopback-certificate.ts";
import { response } from "../support/scripted-upstream.ts";

const OK = response(200, "{}");

interface TlsUpstream extends AsyncDisposable {
  readonly url: string;
  readonly sockets: tls.TLSSocket[];
}

/** @param answer called with each read, which is a whole request. */
async function startTls(answer: (socket: tls.TLSSocket, requests: number) => void): Promise<TlsUpstream> {
  const sockets: tls.TLSSocket[] = [];
  let requests = 0;
  const server = tls.createServer({ cert: LOOPBACK_CERTIFICATE, key: LOOPBACK_KEY }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", () => answer(socket, ++requests));
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function endpointFor(upstream: TlsUpstream): TestHttp1Endpoint {
  return new TestHttp1Endpoint(upstream.url, { certificateAuthority: LOOPBACK_CERTIFICATE });
}

test("exchanges over TLS share one connection", async () => {
  await using upstream = await startTls((socket) => socket.write(OK));
  using endpoint = endpointFor(upstream);
  for (let i = 0; i < 5; i++) {
    const recorder = new ExchangeRecorder().open(endpoint);
    assert.equal(await recorder.ended(), "end");
    assert.deepEqual([recorder.body.toString(), recorder.violations], ["{}", []]);
  }
  assert.deepEqual([upstream.sockets.length, endpoint.connections], [1, 1]);
});

test("a certificate that is not trusted makes the upstream unreachable, and says why", async () => {
  await using upstream = await startTls((socket) => socket.write(OK));
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder().open(endpoint);
  assert.equal(await recorder.ended(), "unreachable");
  assert.equal(recorder.failure!.detail, "DEPTH_ZERO_SELF_SIGNED_CERT");
  assert.deepEqual([recorder.calls, endpoint.connections, endpoint.wheel.size], [["fail"], 0, 0]);
});

test("a surplus that TLS holds back while the sink pauses is not taken for the next answer", async () => {
  const recordBytes = 16 * 1024;
  const head = "HTTP/1.1 200 OK\r\ncontent-length: 32000\r\n\r\n";
  // One write, so one read, of three records; the answer ends exactly with the second.
  const answer = head.replace("32000", String(2 * recordBytes - head.length)).padEnd(2 * recordBytes, "x");
  const evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
  await using upstream = await startTls((socket, requests) => {
    if (requests === 1) socket.write(answer + evil);
    else socket.write(OK);
  });
  using endpoint = endpointFor(upstream);
  const first = new ExchangeRecorder();
  const next = new ExchangeRecorder();
  first.hook = (call) => {
    if (call === "head") {
      first.exchange!.pause();
      setImmediate(() => first.exchange!.resume());
    } else if (call === "end") next.open(endpoint);
  };
  assert.equal(await first.open(endpoint).ended(), "end");
  assert.equal(await next.ended(), "end");
  assert.equal(next.body.toString(), "{}");
});

test("a pause over TLS holds back all but a bounded rest, and resume brings every byte", async () => {
  const totalBytes = 16 * 1024 * 1024;
  const slice = Buffer.alloc(1024 * 1024, "x");
  await using upstream = await startTls((socket, requests) => {
    if (requests > 1) {
      socket.write(OK);
      return;
    }
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${totalBytes}\r\n\r\n`);
    for (let sent = 0; sent < totalBytes; sent += slice.length) socket.write(slice);
  });
  using endpoint = endpointFor(upstream);
  const recorder = new ExchangeRecorder();
  recorder.keepsBody = false;
  recorder.hook = (call) => {
    if (call === "head") recorder.exchange!.pause();
  };
  recorder.open(endpoint);
  await recorder.heard("head");
  for (let i = 0; i < 20; i++) await new ExchangeRecorder().open(endpoint).ended();
  assert.ok(recorder.bodyBytes <= 64 * 1024, `${recorder.bodyBytes} bytes after the pause`);
  assert.ok(upstream.sockets[0]!.writableLength > totalBytes / 4);
  recorder.exchange!.resume();
  assert.equal(await recorder.ended(), "end");
  assert.deepEqual([recorder.bodyBytes, recorder.violations], [totalBytes, []]);
});

test("a peer that closes in the handshake is unreachable", async () => {
  const server = net.createServer((socket) => socket.once("data", () => socket.end()).on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  using endpoint = new TestHttp1Endpoint(`https://127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  const recorder = new ExchangeRecorder().open(endpoint);
  assert.equal(await recorder.ended(), "unreachable");
  assert.deepEqual([endpoint.connections, endpoint.wheel.size], [0, 0]);
  server.close();
});

test("a reused TLS connection that ends before any byte may be retried", async () => {
  await using upstream = await startTls((socket, requests) => {
    if (requests === 1) socket.write(OK);
    else socket.destroy();
  });
  using endpoint = endpointFor(upstream);
  assert.equal(await new ExchangeRecorder().open(endpoint).ended(), "end");
  const recorder = new ExchangeRecorder().open(endpoint);
  assert.equal(await recorder.ended(), "disconnected");
  assert.equal(recorder.failure!.safeToRetry, true);
});
