/** What a client sees of an upstream's cap and its queue. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyDigest } from "../../src/tenants/key.ts";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import type { ReceivedRequest, ScriptedUpstream } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";

/** An upstream that answers when it is told to. */
async function startHeld(): Promise<{ upstream: ScriptedUpstream; held: ReceivedRequest[]; answer: () => void }> {
  const held: ReceivedRequest[] = [];
  const upstream = await startScripted((request) => void held.push(request));
  const answer = (): void => void held.shift()!.socket.write(response(200, "{}"));
  return { upstream, held, answer };
}

const capped = (url: string, queue = "", cap = "1"): string =>
  configFor(url, { upstream: `max_concurrency: ${cap}\n${queue === "" ? "" : `queue: ${queue}`}` });

test("past the cap requests wait in their order, and the answer says for how long", async () => {
  const { upstream, held, answer } = await startHeld();
  await using _ = upstream;
  await using gateway = await startGateway(capped(upstream.url));
  const ask = (id: string): Promise<Response> => post(gateway.url + CHAT, chat(), { headers: { "x-request-id": id } });
  const answers = ["a", "b", "c"].map((id) => ask(id));
  const seen: string[] = [];
  for (let i = 0; i < 3; i++) {
    await waitUntil(() => held.length === 1);
    seen.push(/x-request-id: (\w)/.exec(held[0]!.head)![1]!);
    answer();
    await (await answers[i]!).text();
  }
  assert.deepEqual(seen, ["a", "b", "c"]);
  const lines = await Promise.all(
    answers.map(async (response) => (await response).headers.get("x-headwaiter-queue-ms")),
  );
  assert.equal(lines[0], "0");
  assert.ok(Number(lines[2]) >= Number(lines[1]));
});

test("max_waiting: 0 refuses at once, with 429 and a Retry-After that differs between clients", async () => {
  const { upstream, held } = await startHeld();
  await using _ = upstream;
  await using gateway = await startGateway(capped(upstream.url, "{ max_waiting: 0 }"));
  const first = post(gateway.url + CHAT, chat()).catch(() => {});
  await waitUntil(() => held.length === 1);
  const refusals = await Promise.all(Array.from({ length: 20 }, () => post(gateway.url + CHAT, chat())));
  for (const refusal of refusals) {
    assert.equal(refusal.status, 429);
    assert.equal(refusal.headers.get("x-headwaiter-error"), "queue_full");
    assert.match(refusal.headers.get("retry-after")!, /^[1-9]\d*$/);
  }
  assert.ok(new Set(refusals.map(({ headers }) => headers.get("retry-after-ms"))).size > 5);
  assert.equal(upstream.requests.length, 1);
  upstream.requests[0]!.socket.destroy();
  await first;
});

test("who waits for too long gets 429, and who leaves frees the place at once", async () => {
  const { upstream, held, answer } = await startHeld();
  await using _ = upstream;
  await using gateway = await startGateway(capped(upstream.url, "{ max_waiting: 1, max_wait: 300ms }"));
  const first = post(gateway.url + CHAT, chat());
  await waitUntil(() => held.length === 1);
  const leaving = new AbortController();
  const left = post(gateway.url + CHAT, chat(), { signal: leaving.signal });
  await waitUntil(() => gateway.loop.calls === 2);
  leaving.abort();
  await assert.rejects(left);
  assert.partialDeepStrictEqual(await gateway.access(({ outcome }) => outcome === "client_gone"), { attempts: 0 });
  const late = await post(gateway.url + CHAT, chat());
  assert.equal(late.status, 429);
  assert.equal(late.headers.get("x-headwaiter-error"), "queue_timeout");
  answer();
  assert.equal((await first).status, 200);
  assert.equal(upstream.requests.length, 1);
});

test("a slot comes back whatever ends a request: an error, a broken connection, a client that hangs up", async () => {
  type End = (request: ReceivedRequest, leave: () => void) => void;
  let end: (request: ReceivedRequest) => void = () => {};
  await using upstream = await startScripted((request) => end(request));
  await using gateway = await startGateway(capped(upstream.url, "{ max_waiting: 0 }"));
  const ends: End[] = [
    ({ socket }) => void socket.write(response(500, "{}")),
    // Once more where the connection had been idle: the gateway tries again.
    ({ socket }) => void socket.destroy(),
    ({ socket }) => void socket.write("garbage\r\n\r\n"),
    (_request, leave) => leave(),
    ({ socket }) => void socket.write(response(200, "{}")),
  ];
  for (const way of ends) {
    const leaving = new AbortController();
    end = (request) => way(request, () => leaving.abort());
    const asked = await post(gateway.url + CHAT, chat(), { signal: leaving.signal }).catch(() => null);
    assert.notEqual(asked?.status, 429);
    await waitUntil(() => gateway.loop.calls === 0);
  }
});

test("an upstream that asked for time is not asked before, and the client is told when to come", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(
      response(429, '{"error":{"message":"slow down"}}').toString().replace("\r\n", "\r\nretry-after: 30\r\n"),
    );
  });
  await using gateway = await startGateway(configFor(upstream.url));
  const first = await post(gateway.url + CHAT, chat());
  assert.equal(first.headers.get("x-headwaiter-error"), "upstream_status");
  const second = await post(gateway.url + CHAT, chat());
  assert.equal(second.status, 429);
  assert.equal(second.headers.get("x-headwaiter-error"), "upstream_waits");
  const retryAfter = Number(second.headers.get("retry-after"));
  assert.ok(retryAfter >= 29 && retryAfter <= 38, String(retryAfter));
  assert.equal(upstream.requests.length, 1);
});

test("one tenant's hundred requests don't delay another's one", async () => {
  const { upstream, held, answer } = await startHeld();
  await using _ = upstream;
  const tenants = ["acme", "globex"].map((name) => `  ${name}: { keys: [ "sha256:${keyDigest(name)}" ] }\n`).join("");
  const yaml = `${capped(upstream.url, "{ max_waiting: 200, max_wait: 60s }")}\ntenants:\n${tenants}`;
  await using gateway = await startGateway(yaml);
  const leaving = new AbortController();
  const ask = (tenant: string): Promise<unknown> =>
    post(gateway.url + CHAT, chat(), {
      headers: { authorization: `Bearer ${tenant}`, "x-request-id": tenant },
      signal: leaving.signal,
    }).catch(() => {});
  const many = Array.from({ length: 101 }, () => ask("acme"));
  await waitUntil(() => held.length === 1 && gateway.loop.calls === 101);
  const one = ask("globex");
  await waitUntil(() => gateway.queued === 101);
  const order: string[] = [];
  for (let i = 0; i < 3; i++) {
    answer();
    await waitUntil(() => held.length === 1);
    order.push(/x-request-id: (\w+)/.exec(held[0]!.head)![1]!);
  }
  assert.ok(order.includes("globex"), order.join());
  leaving.abort();
  await Promise.all([...many, one]);
  await waitUntil(() => gateway.loop.calls === 0);
});

test("a client may put its request behind its tenant's others, and no header puts one before them", async () => {
  const { upstream, held, answer } = await startHeld();
  await using _ = upstream;
  await using gateway = await startGateway(capped(upstream.url));
  const ask = (id: string, priority: string): Promise<Response> =>
    post(gateway.url + CHAT, chat(), { headers: { "x-request-id": id, "x-headwaiter-priority": priority } });
  const answers = [ask("first", "interactive")];
  await waitUntil(() => held.length === 1);
  for (const [id, priority] of [
    ["batch", "batch"],
    ["urgent", "urgent"],
    ["plain", ""],
  ] as const) {
    const calls = gateway.loop.calls;
    answers.push(ask(id, priority));
    await waitUntil(() => gateway.loop.calls === calls + 1 && gateway.queued === calls);
  }
  const order: string[] = [];
  for (let i = 0; i < 4; i++) {
    await waitUntil(() => held.length === 1);
    order.push(/x-request-id: (\w+)/.exec(held[0]!.head)![1]!);
    answer();
  }
  await Promise.all(answers);
  assert.deepEqual(order, ["first", "urgent", "plain", "batch"]);
});
