import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { Meter } from "../../src/bench/meter.ts";
import { processTree, readProcessUsage } from "../../src/bench/process-usage.ts";
import { startChild } from "../../src/bench/children.ts";
import { runBench } from "../../src/bench/run.ts";
import type { LoadPlan, Scenario } from "../../src/bench/scenario.ts";
import { cancel } from "../../src/bench/scenarios/cancel.ts";
import { flow } from "../../src/bench/scenarios/flow.ts";
import { requests } from "../../src/bench/scenarios/requests.ts";
import { slowClients } from "../../src/bench/scenarios/slow-clients.ts";
import { bench } from "../../src/cli/bench.ts";
import { startSim, type Sim } from "../../src/sim/server.ts";

const onLinux = process.platform === "linux" ? false : "reads /proc";
const never = new AbortController().signal;
let sim: Sim;

before(async () => {
  sim = await startSim();
});
after(async () => {
  await sim.close();
});

const small: LoadPlan = { streams: 40, durationMs: 400, rampPerSecond: 400, eventsPerSecond: 800 };

/** The sim stands for the gateway: the load does not know the difference. */
async function runAgainstSim(scenario: Scenario, plan: LoadPlan = small) {
  const loads: string[] = [];
  const report = await runBench({
    scenario,
    plan,
    url: sim.url.href,
    pid: process.pid,
    // The direct run is the same once more; one test of it is enough.
    simUrl: scenario === flow || scenario === cancel ? sim.url.href : null,
    model: "sim",
    apiKey: null,
    http2: false,
    workers: 1,
    pin: false,
    signal: never,
    onLoad: (name) => void loads.push(name),
  });
  return { report, loads };
}

test("flow holds all streams open, receives every token in order, and runs the same load directly first", async () => {
  const { report, loads } = await runAgainstSim(flow);
  assert.deepEqual(report.faults, []);
  assert.deepEqual(report.result.streams.outcomes, { complete: 40, refused: 0, unreachable: 0, cut: 0, stopped: 0 });
  assert.equal(report.result.streams.held, 40);
  assert.equal(report.result.ttft.count, 40);
  assert.ok(report.result.ttft.p50 >= 200_000, "the sim was asked for 200 ms");
  assert.ok(report.result.units > 100);
  assert.equal(loads.length, 2);
  assert.ok(report.direct !== null && report.added !== null);
  if (onLinux === false) assert.ok(report.result.process!.rssBytes > 0);
});

test("requests answers many small requests over few connections", async () => {
  const { report } = await runAgainstSim(requests, { ...small, streams: 4 });
  assert.deepEqual(report.faults, []);
  assert.equal(report.result.unit, "request");
  assert.ok(report.result.units > 20);
});

test("cancel hangs up on every stream and learns from the sim when each was seen", async () => {
  const { report } = await runAgainstSim(cancel);
  assert.deepEqual(report.faults, []);
  assert.equal(report.result.streams.outcomes.stopped, 40);
  assert.equal(report.result.cancel?.count, 40);
  assert.equal(report.result.cancel?.unseen, 0);
});

test("slow-clients freezes one client in ten and checks the other nine", async () => {
  const { report } = await runAgainstSim(slowClients);
  assert.deepEqual(report.faults, []);
  assert.equal(report.result.streams.outcomes.stopped, 4);
  assert.equal(report.result.streams.outcomes.complete, 36);
});

test("a run that is interrupted ends at once and leaves no stream", async () => {
  const interrupted = new AbortController();
  const meter = new Meter();
  const running = flow.run({
    target: { host: "127.0.0.1", port: sim.port, basePath: "", model: "sim" },
    plan: { ...small, durationMs: 60_000 },
    meter,
    pid: null,
    idle: null,
    sim: null,
    signal: interrupted.signal,
  });
  setTimeout(() => interrupted.abort(), 300);
  await assert.rejects(running, { name: "AbortError" });
  assert.equal(meter.open, 0);
  assert.equal(meter.ended, meter.begun);
});

test("the command answers 1 when streams could not be served, and 2 for arguments it does not know", async () => {
  const closed = createServer();
  closed.listen(0, "127.0.0.1");
  await once(closed, "listening");
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, "close");
  const silent = { stdout: { write: () => true }, stderr: { write: () => true } };
  const few = ["--streams", "2", "--duration", "50ms", "--ramp", "100/s", "--json"];
  assert.equal(await bench([`http://127.0.0.1:${port}`, ...few], silent), 1);
  for (const wrong of [
    ["--scenario", "none"],
    ["--streams", "0"],
    ["--duration", "5"],
    ["--nonsense"],
    ["https://x"],
    ["http://a", "http://b"],
  ]) {
    assert.equal(await bench(wrong, silent), 2, wrong.join(" "));
  }
});

test("reads CPU and memory of a process and all below it", { skip: onLinux }, async () => {
  const script = `
    const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    child.on("spawn", () => console.log("up"));`;
  const child = await startChild({
    name: "parent",
    command: process.execPath,
    args: ["-e", script],
    ready: (output) => (output.includes("up") ? "up" : null),
    readyTimeoutMs: 10_000,
  });
  try {
    const tree = processTree(child.pid);
    assert.equal(tree.length, 2);
    const whole = readProcessUsage(tree)!;
    const parent = readProcessUsage([child.pid])!;
    assert.ok(whole.rssBytes > parent.rssBytes && parent.rssBytes > 1024 * 1024);
    assert.ok(whole.cpuUs >= parent.cpuUs);
    for (const pid of tree.slice(1)) process.kill(pid);
  } finally {
    await child.stop();
  }
  assert.equal(readProcessUsage([child.pid]), null);
});

test("says why a child did not start, with its last words", async () => {
  const options = { name: "child", command: process.execPath, ready: () => null, readyTimeoutMs: 10_000 };
  await assert.rejects(
    startChild({ ...options, args: ["-e", "console.error('no luck'); process.exit(3)"] }),
    /ended with 3.*no luck/s,
  );
  await assert.rejects(startChild({ ...options, command: "/nonexistent/program", args: [] }), /ENOENT/);
  const forever = ["-e", "setInterval(() => {}, 1000)"];
  await assert.rejects(startChild({ ...options, args: forever, readyTimeoutMs: 100 }), /not ready/);
});
