import assert from "node:assert/strict";
import { test } from "node:test";
import { startSim } from "../../src/sim/server.ts";
import { chat, configFor, startGateway } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import { waitUntil } from "../support/wait-until.ts";

const CHAT = "/v1/chat/completions";
const REQUESTS = 2000;
const AT_ONCE = 30;

/** One request and how its client behaves; each ends by itself. */
type Visit = (port: number) => Promise<void>;

const ask =
  (directive: string, more: Record<string, unknown> = {}, path = CHAT): Visit =>
  async (port) => {
    using client = rawClient(port);
    client.send(rawPost(path, chat({ user: directive, ...more })));
    // A stream that is cut within JSON has no end.
    await client.answer().catch(() => {});
  };

const leave =
  (request: string, after?: string): Visit =>
  async (port) => {
    const client = rawClient(port);
    client.send(request);
    if (after === undefined) await new Promise((resolve) => client.socket.once("connect", resolve));
    // On a busy machine it may be an error that comes instead.
    else await Promise.race([client.until(after), client.answer()]).catch(() => {});
    client.socket.destroy();
    await client.closed;
  };

const stream = { stream: true };
const VISITS: readonly Visit[] = [
  ask("sim:t1:g1:n5", stream),
  ask("sim:t1:g1:n5"),
  ask("sim:x429", { ...stream, model: "limited" }),
  ask("sim:x500"),
  ask("sim:t1:g1:n9:c3", stream),
  ask("sim:t0:n1:c0", stream),
  ask("sim:t60000", stream),
  ask("sim:t1:g60000:n9", stream),
  ask("sim:t0:g0:n3000:b100", stream),
  ask("sim:t1:n1", { stream: 5 }),
  ask("sim:t1:n1", { model: "nobody" }),
  ask("sim:t1:n1", {}, "/nowhere"),
  leave(rawPost(CHAT, chat({ ...stream, user: "sim:t1:g5:n1000" })), "{2@"),
  leave(rawPost(CHAT, chat({ ...stream, user: "sim:t60000" }))),
  leave(rawPost(CHAT, chat({ user: "sim:t60000" }))),
  leave(rawPost(CHAT, chat({ user: "sim:t1:n1" })).slice(0, -5)),
  leave(rawPost(CHAT, chat({ ...stream, user: "sim:t1:g1:n3" })).repeat(4), "{1@"),
  leave("NOT HTTP\r\n\r\n", "400"),
  leave(rawPost(CHAT, chat({ ...stream, user: "sim:t0:g0:n20000:b1000" })), "{100@"),
];

test(`after ${REQUESTS} requests of every kind, sockets, timers, calls and gauges are back to where they were`, async (t) => {
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown): void => void rejections.push(reason);
  process.on("unhandledRejection", onRejection);
  t.after(() => process.off("unhandledRejection", onRejection));
  const sim = await startSim();
  t.after(() => sim.close());
  const yaml = configFor(sim.url.origin, {
    upstream: "timeouts: { first_byte: 300ms, idle: 300ms, total: 2s }\nconnections: { keep_alive: 100ms }",
    rest: "streams: { heartbeat: 50ms, stall_timeout: 500ms }",
  })
    .replace('"*"', "test-model")
    // An upstream of its own: one that asks for time gets it, and everybody else would wait with it.
    .replace(
      "models:",
      `  limited: { endpoints: [ { url: ${sim.url.origin}/v1 } ], queue: { max_waiting: 0 }, connections: { keep_alive: 100ms } }\nmodels:\n  limited: { upstream: limited }`,
    );
  await using gateway = await startGateway(yaml);
  const { loop } = gateway;
  assert.deepEqual([loop.openSockets(), loop.timers, loop.calls], [0, 0, 0]);

  let visits = 0;
  const visitor = async (): Promise<void> => {
    while (visits < REQUESTS) await VISITS[visits++ % VISITS.length]!(gateway.port);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, visitor));

  await waitUntil(() => loop.calls === 0, "no calls");
  await waitUntil(() => loop.openSockets() === 0, "no sockets, the idle ones to the upstream included");
  await waitUntil(() => loop.timers === 0, "no timers");
  assert.equal(loop.metrics.streamsOpen.value("up"), 0);
  assert.deepEqual(
    [...loop.endpoints()].map(({ outstanding }) => outstanding),
    [0, 0],
  );
  await waitUntil(() => sim.stats().openStreams === 0 && sim.stats().openSockets === 0, "nothing at the upstream");

  // Every kind took place, and each call has one access line.
  const outcomes = new Map<string, number>();
  for (const { outcome } of gateway.accessLines) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  for (const outcome of ["completed", "refused", "upstream_status", "upstream_failed", "upstream_cut", "client_gone"])
    assert.ok((outcomes.get(outcome) ?? 0) > 20, `${outcome}: ${outcomes.get(outcome)}`);
  assert.equal(outcomes.get("internal"), undefined);
  assert.deepEqual(
    gateway.logLines.filter((line) => line["msg"] !== "request"),
    [],
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(rejections, []);
});
