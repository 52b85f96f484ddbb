/** The HTTP/2 transport over TLS. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { after, before, describe, test } from "node:test";
import tls from "node:tls";
import { FixtureEndpoint } from "../unit/upstream/http2/fixture-endpoint.ts";

const missing = spawnSync("openssl", ["version"]).status === 0 ? false : "openssl is not installed";

describe("HTTP/2 over TLS", { skip: missing }, () => {
  let certificate = "";
  let key = "";
  let server: http2.Http2SecureServer;
  let url: URL;

  before(async () => {
    const folder = mkdtempSync(join(tmpdir(), "headwaiter-tls-"));
    const [keyFile, certificateFile] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
    execFileSync(
      "openssl",
      ["req", "-x509", ...curve, "-nodes", ...subject, "-keyout", keyFile, "-out", certificateFile],
      {
        stdio: "ignore",
      },
    );
    certificate = readFileSync(certificateFile, "utf8");
    key = readFileSync(keyFile, "utf8");
    rmSync(folder, { recursive: true });
    server = http2.createSecureServer({ key, cert: certificate });
    server.on("session", (session) => session.on("error", () => {}));
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 200 });
      stream.end("secure");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });

  after(async () => {
    server.close();
    await once(server, "close");
  });

  test("opens sessions of its own by ALPN", async () => {
    using endpoint = new FixtureEndpoint(url, { certificateAuthority: certificate });
    const begun = [endpoint.begin(), endpoint.begin()];
    await Promise.all(begun.map(({ sink }) => sink.heard("end")));
    for (const { sink } of begun) assert.deepEqual(sink.calls, ["sent", "head", "body", "flush", "end"]);
    assert.equal(begun[0]!.sink.body.toString(), "secure");
    assert.equal(endpoint.connections, 1);
  });

  test("takes over a connected socket, and uses it instead of opening another", async () => {
    using endpoint = new FixtureEndpoint(url, { certificateAuthority: certificate });
    const socket = tls.connect({
      host: "127.0.0.1",
      port: Number(url.port),
      ca: certificate,
      ALPNProtocols: ["h2", "http/1.1"],
    });
    await once(socket, "secureConnect");
    assert.equal(socket.alpnProtocol, "h2");
    endpoint.adopt(socket);
    assert.equal(endpoint.connections, 1);
    const { sink } = endpoint.begin();
    await sink.heard("end");
    assert.equal(sink.body.toString(), "secure");
    assert.equal(endpoint.connections, 1);
    const closed = once(socket, "close");
    endpoint.destroy();
    await closed;
  });

  test("closes a socket that it is handed after its end", async () => {
    const endpoint = new FixtureEndpoint(url, { certificateAuthority: certificate });
    const socket = tls.connect({ host: "127.0.0.1", port: Number(url.port), ca: certificate, ALPNProtocols: ["h2"] });
    await once(socket, "secureConnect");
    endpoint.destroy();
    endpoint.adopt(socket);
    await once(socket, "close");
    assert.equal(endpoint.connections, 0);
  });

  test("delivers the head first also where the socket is fed from JavaScript", async () => {
    using endpoint = new FixtureEndpoint(url, { certificateAuthority: certificate });
    const raw = net.connect({ host: "127.0.0.1", port: Number(url.port) });
    await once(raw, "connect");
    const tunnel = new Duplex({
      read: () => raw.resume(),
      write: (bytes, _encoding, done) => raw.write(bytes as Buffer, done),
      final: (done) => void raw.end(done),
      destroy: (error, done) => {
        raw.destroy();
        done(error);
      },
    });
    raw.on("data", (bytes) => tunnel.push(bytes));
    raw.on("close", () => tunnel.destroy());
    const socket = tls.connect({ socket: tunnel, host: "127.0.0.1", ca: certificate, ALPNProtocols: ["h2"] });
    await once(socket, "secureConnect");
    endpoint.adopt(socket);
    for (let n = 0; n < 5; n++) {
      const { sink } = endpoint.begin();
      await sink.heard("end");
      assert.deepEqual(sink.calls, ["sent", "head", "body", "flush", "end"]);
      assert.equal(sink.body.toString(), "secure");
    }
    assert.equal(endpoint.connections, 1);
  });

  test("says that a peer which does not choose h2 is unreachable, and why", async () => {
    const other = tls.createServer({ key, cert: certificate }, (socket) => socket.on("error", () => {}));
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    using endpoint = new FixtureEndpoint(new URL(`https://127.0.0.1:${port}`), { certificateAuthority: certificate });
    const { sink } = endpoint.begin();
    await sink.heard("fail");
    assert.equal(sink.failure?.kind, "unreachable");
    assert.match(sink.failure.detail, /does not speak HTTP\/2 \(ALPN chose nothing\)/);
    other.close();
    await once(other, "close");
  });

  test("says that a peer whose certificate is not trusted is unreachable", async () => {
    using endpoint = new FixtureEndpoint(url);
    const { sink } = endpoint.begin();
    await sink.heard("fail");
    assert.equal(sink.failure?.kind, "unreachable");
    assert.match(sink.failure.detail, /SELF_SIGNED|UNABLE_TO_VERIFY/);
  });

  test("asks a silent session for a sign of life, and keeps it when it answers", async () => {
    const held: http2.ServerHttp2Stream[] = [];
    const silent = http2.createSecureServer({ key, cert: certificate });
    const sockets: net.Socket[] = [];
    silent.on("secureConnection", (socket) => sockets.push(socket));
    silent.on("session", (session) => session.on("error", () => {}));
    silent.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 200 });
      held.push(stream);
    });
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = new URL(`https://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    using endpoint = new FixtureEndpoint(address, {
      certificateAuthority: certificate,
      pingAfterMs: 20,
      pingTimeoutMs: 300,
    });
    const { sink } = endpoint.begin();
    await sink.heard("head");
    let pings = 0;
    await new Promise<void>((resolve) => held[0]!.session!.on("ping", () => ++pings === 3 && resolve()));
    assert.deepEqual(sink.calls, ["sent", "head"]);
    held[0]!.end("alive");
    await sink.heard("end");
    silent.close();
    endpoint.destroy();
    await once(silent, "close");
    assert.equal(sockets.length, 1);
  });
});
