import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { Meter } from "../../src/bench/meter.ts";
import { surge } from "../../src/bench/scenarios/surge.ts";
import type { LoadResult } from "../../src/bench/scenario.ts";
import { startSim } from "../../src/sim/server.ts";

const DURATION_MS = 500;

function surgeAt(
  port: number,
  changes: { pid?: number; capacity?: number; signal?: AbortSignal } = {},
): Promise<LoadResult> {
  return surge.run({
    target: { host: "127.0.0.1", port, basePath: "", model: "sim" },
    plan: { streams: 10, durationMs: DURATION_MS, rampPerSecond: 1000, eventsPerSecond: changes.capacity ?? 100 },
    meter: new Meter(),
    pid: changes.pid ?? null,
    idle: null,
    sim: null,
    signal: changes.signal ?? new AbortController().signal,
  });
}

test("a surge offers from half to ten times the capacity without waiting for answers, and checks every token", async (t) => {
  const sim = await startSim();
  t.after(() => sim.close());
  const { surge: figures, integrity, streams } = await surgeAt(sim.port, { pid: process.pid });
  assert.deepEqual(integrity, { lost: 0, duplicated: 0, reordered: 0 });
  assert.deepEqual(
    figures!.steps.map(({ load }) => load),
    [0.5, 1, 2, 4, 7, 10],
  );
  const [calm] = figures!.steps;
  const wild = figures!.steps.at(-1)!;
  assert.ok(wild.offeredPerSecond > 2 * calm!.offeredPerSecond);
  assert.ok(wild.goodputPerSecond > 2 * calm!.goodputPerSecond);
  assert.ok(calm!.ttft.p50 >= 200_000);
  assert.equal(wild.refused, 0);
  assert.equal(streams.outcomes.complete, streams.asked, "the sim serves everybody");
  assert.ok(figures!.capacityFrom === "given" && figures!.recoverySeconds !== null);
  if (process.platform === "linux") assert.ok(wild.rssBytes! > 0 && wild.cpuShare! > 0);
});

test("refusals are counted and timed, and a gateway that goes on refusing has not become normal again", async (t) => {
  const server = createServer((_request, response) => void response.writeHead(503).end("{}"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { surge: figures } = await surgeAt((server.address() as AddressInfo).port);
  for (const { accepted, refused, refusal, goodputPerSecond, rssBytes } of figures!.steps) {
    assert.ok(accepted === 0 && refused > 0 && refusal.count === refused && refusal.p50 > 0);
    assert.deepEqual([goodputPerSecond, rssBytes], [0, null]);
  }
  assert.equal(figures!.recoverySeconds, null);
});

test("the capacity has to be given or measurable", async () => {
  await assert.rejects(surgeAt(9, { capacity: 0 }), /--rate.*--pid/);
});

test("a surge that is interrupted ends at once", async (t) => {
  const sim = await startSim();
  t.after(() => sim.close());
  const running = surgeAt(sim.port, { signal: AbortSignal.timeout(200) });
  await assert.rejects(running);
});
