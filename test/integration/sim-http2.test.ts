import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, constants } from "node:http2";
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionOptions,
  SecureClientSessionOptions,
} from "node:http2";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { TestContext } from "node:test";
import { startSim } from "../../src/sim/server.ts";
import type { Sim } from "../../src/sim/server.ts";

let sim: Sim;
let session: ClientHttp2Session;

before(async () => {
  sim = await startSim({ http2: true, ttftMs: 0, gapMs: 1, tokens: 3, maxConcurrentStreams: 500 });
  session = await dial(sim.url);
});

after(async () => {
  session.destroy();
  await sim.close();
});

async function dial(
  url: URL,
  options?: ClientSessionOptions | SecureClientSessionOptions,
): Promise<ClientHttp2Session> {
  const session = connect(url, options);
  session.on("error", () => {});
  await once(session, "remoteSettings");
  return session;
}

function ask(session: ClientHttp2Session, prompt: string): ClientHttp2Stream {
  const stream = session.request({ ":method": "POST", ":path": "/v1/chat/completions" });
  stream.on("error", () => {});
  stream.end(JSON.stringify({ model: "sim", stream: true, messages: [{ role: "user", content: prompt }] }));
  return stream;
}

/** All that came, and the code that the stream was closed with. */
async function read(stream: ClientHttp2Stream): Promise<{ text: string; code: number }> {
  let text = "";
  stream.setEncoding("latin1");
  stream.on("data", (piece: string) => (text += piece));
  await new Promise((resolve) => stream.once("close", resolve));
  return { text, code: stream.rstCode };
}

/** Polls what has no event of its own here. */
async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!condition()) {
    assert.ok(performance.now() < deadlineMs, "it never came true");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const tokenIndexes = (text: string) => [...text.matchAll(/\{(\d+)@\d+\} /g)].map((match) => Number(match[1]));

test("streams with prior knowledge, many at once over one connection, and says how many", async () => {
  assert.equal(session.remoteSettings.maxConcurrentStreams, 500);
  const answers = await Promise.all(Array.from({ length: 400 }, () => read(ask(session, "sim:n5"))));
  for (const { text, code } of answers) {
    assert.deepEqual(tokenIndexes(text), [0, 1, 2, 3, 4]);
    assert.ok(text.endsWith("data: [DONE]\n\n"));
    assert.equal(code, constants.NGHTTP2_NO_ERROR);
  }
  assert.equal(sim.stats().openSockets, 1);
  await until(() => sim.stats().openStreams === 0);
});

test("answers errors and its own routes over HTTP/2", async () => {
  const failed = ask(session, "sim:x503");
  const answer = read(failed);
  const [headers] = (await once(failed, "response")) as [Record<string, unknown>];
  assert.deepEqual([headers[":status"], headers["retry-after"]], [503, "1"]);
  assert.match((await answer).text, /server_error/);
  const stats = await read(session.request({ ":path": "/sim/stats" }));
  assert.equal((JSON.parse(stats.text) as { openSockets: number }).openSockets, 1);
});

test("resets the stream, and only it, after the asked tokens", async () => {
  const other = read(ask(session, "sim:n20:g5"));
  for (const tokens of [0, 4]) {
    const { text, code } = await read(ask(session, `sim:n9:g5:c${tokens}`));
    assert.equal(code, constants.NGHTTP2_INTERNAL_ERROR);
    assert.equal(tokenIndexes(text).length, tokens);
  }
  assert.equal(tokenIndexes((await other).text).length, 20);
});

test("sees a stream that its client resets, and survives thousands of them on one connection", async () => {
  const { cancelled } = sim.stats();
  const count = 3_000;
  for (let left = count; left > 0; left -= 60) {
    const streams = Array.from({ length: 60 }, () => ask(session, "sim:n1000000"));
    await Promise.all(streams.map((stream) => once(stream, "data")));
    const closed = streams.map((stream) => once(stream, "close"));
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await Promise.all(closed);
  }
  await until(() => sim.stats().cancelled === cancelled + count && sim.stats().openStreams === 0);
  assert.deepEqual(tokenIndexes((await read(ask(session, "sim:n2"))).text), [0, 1]);
});

test("keeps no more than its bound for a stream whose client does not read", async () => {
  const own = await dial(sim.url, { settings: { initialWindowSize: 65_535 } });
  const sentBefore = sim.stats().tokensSent;
  const stream = ask(own, "sim:t0:g0:n100000:b1000");
  stream.pause();
  await once(stream, "response");
  let last = -1;
  await until(() => {
    const before = last;
    last = sim.stats().tokensSent - sentBefore;
    return last > 0 && last === before;
  });
  await read(ask(session, "sim:n50:g1"));
  const sent = sim.stats().tokensSent - sentBefore - 50;
  // The window, what node's stream buffers hold on both sides, the sim's 64 KiB and one event.
  assert.ok(sent * 1_000 < 512 * 1_024, `${sent} tokens of 1 KB were taken by nobody`);
  own.destroy();
  await until(() => sim.stats().openStreams === 0);
});

test("negotiates HTTP/2 over TLS by ALPN, and speaks HTTP/1.1 over TLS without it", async (context: TestContext) => {
  const tls = selfSigned();
  if (tls === undefined) return context.skip("openssl is not installed");
  const secure = await startSim({ http2: true, tls, ttftMs: 0, gapMs: 0 });
  const own = await dial(secure.url, { ca: tls.cert });
  assert.equal(own.alpnProtocol, "h2");
  assert.deepEqual(tokenIndexes((await read(ask(own, "sim:n2"))).text), [0, 1]);
  own.destroy();
  await secure.close();

  const plain = await startSim({ tls, ttftMs: 0, gapMs: 0 });
  assert.equal(plain.url.protocol, "https:");
  const asked = request(new URL("/v1/completions", plain.url), { method: "POST", ca: tls.cert, agent: false });
  asked.end('{"model":"sim","stream":true,"prompt":"sim:n2"}');
  const [response] = (await once(asked, "response")) as [NodeJS.ReadableStream];
  let text = "";
  for await (const piece of response) text += String(piece);
  assert.deepEqual(tokenIndexes(text), [0, 1]);
  await plain.close();
  return undefined;
});

/** A certificate for 127.0.0.1, made on the spot: one that is kept would expire, and be taken for a leaked key. */
function selfSigned(): { cert: string; key: string } | undefined {
  const folder = mkdtempSync(join(tmpdir(), "sim-tls-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    execFileSync("openssl", ["req", "-x509", ...curve, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
    return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
