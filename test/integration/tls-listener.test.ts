/** The listener over TLS: the same promises, through a socket that keeps what it is given. */
import assert from "node:assert/strict";
import fs from "node:fs";
import https from "node:https";
import os from "node:os";
import path from "node:path";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { chat, configFor, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../support/loopback-certificate.ts";
import {
  chunk,
  DONE_EVENTS,
  LAST_CHUNK,
  response,
  startScripted,
  STREAM_HEAD,
  tokenEvent,
} from "../support/scripted-upstream.ts";
import type { ReceivedRequest } from "../support/scripted-upstream.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "headwaiter-tls-"));
const cert = path.join(folder, "cert.pem");
const key = path.join(folder, "key.pem");
fs.writeFileSync(cert, LOOPBACK_CERTIFICATE);
fs.writeFileSync(key, LOOPBACK_KEY);
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));

function startTls(upstreamUrl: string, rest = ""): Promise<TestGateway> {
  const yaml = configFor(upstreamUrl, { rest }).replace(
    "drain_timeout: 1s }",
    `drain_timeout: 1s, tls: { cert: ${cert}, key: ${key} } }`,
  );
  return startGateway(yaml);
}

async function ask(gateway: TestGateway, agent: https.Agent, body: string): Promise<IncomingMessage> {
  const request = https.request({
    port: gateway.port,
    host: "127.0.0.1",
    path: "/v1/chat/completions",
    method: "POST",
    headers: { "content-type": "application/json" },
    ca: LOOPBACK_CERTIFICATE,
    agent,
  });
  request.end(body);
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  return answer;
}

async function text(answer: IncomingMessage): Promise<string> {
  let whole = "";
  for await (const piece of answer.setEncoding("utf8")) whole += piece as string;
  return whole;
}

test("streams and whole answers pass byte for byte over one kept TLS connection", async () => {
  const stream = tokenEvent("a") + tokenEvent("é") + DONE_EVENTS;
  const script = ({ body, socket }: ReceivedRequest): void => {
    if (!body.includes("stream")) return void socket.write(response(200, '{"id":"x"}'));
    socket.write(STREAM_HEAD + chunk(stream.slice(0, 30)).toString());
    setImmediate(() => socket.write(Buffer.concat([chunk(stream.slice(30)), Buffer.from(LAST_CHUNK)])));
  };
  await using upstream = await startScripted(script);
  await using gateway = await startTls(upstream.url);
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 3; i++) {
    assert.equal(await text(await ask(gateway, agent, chat({ stream: true }))), stream);
    assert.equal(await text(await ask(gateway, agent, chat())), '{"id":"x"}');
  }
  assert.equal(gateway.loop.openSockets() <= 2, true);
  agent.destroy();
});

test("a TLS client that does not read holds up only its own stream, and gets every byte in the end", async () => {
  const event = tokenEvent("x".repeat(60_000));
  const count = 200;
  const script = ({ body, socket }: ReceivedRequest): void => {
    socket.write(STREAM_HEAD);
    if (body.includes("flood")) for (let i = 0; i < count; i++) socket.write(chunk(event));
    socket.write(chunk(DONE_EVENTS).toString() + LAST_CHUNK);
  };
  await using upstream = await startScripted(script);
  await using gateway = await startTls(upstream.url);
  const agent = new https.Agent();
  const slow = await ask(gateway, agent, chat({ stream: true, user: "flood" }));
  const quick = await text(await ask(gateway, agent, chat({ stream: true })));
  assert.equal(quick, DONE_EVENTS);
  const whole = await text(slow);
  assert.equal(whole.length, event.length * count + DONE_EVENTS.length);
  assert.equal((await gateway.access((line) => line.durationMs > 0 && line.tokensOut === count)).outcome, "completed");
});

test("a TLS client that leaves frees its upstream at once", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString());
  });
  await using gateway = await startTls(upstream.url);
  const answer = await ask(gateway, new https.Agent(), chat({ stream: true }));
  await once(answer, "data");
  answer.destroy();
  await upstream.allClosed();
  assert.equal((await gateway.access()).outcome, "client_gone");
});
