import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import * as fc from "fast-check";
import { LoopMetrics } from "../../../src/observe/loop-metrics.ts";
import type { MetricSnapshot } from "../../../src/observe/metric.ts";
import { Metrics } from "../../../src/observe/metrics.ts";

/** Sample → value, in the page's order; throws where a sample is there twice. */
function samplesOf(page: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of page.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const space = line.lastIndexOf(" ");
    assert.ok(!samples.has(line.slice(0, space)), `twice: ${line}`);
    samples.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return samples;
}

/** A loop's metrics, moved without a loop. */
class FakeLoop {
  outstanding = 0;
  readonly metrics: Metrics;

  constructor(loop: number) {
    const readings = {
      endpoints: () => [{ upstream: "u", endpoint: "e", outstanding: this.outstanding }],
      openSockets: () => 1,
    };
    const lastReport = () => ({ delayP50Us: 1e6 * loop, delayP99Us: 2e6 * loop, delayMaxUs: 3e6 * loop });
    this.metrics = new Metrics(readings, { loop, lastReport });
  }

  /** As it comes out at the other end of a port. */
  snapshot(): readonly MetricSnapshot[] {
    return structuredClone(this.metrics.snapshot());
  }
}

test("what several loops count and hold is added up; how late each is, is not", () => {
  const page = new LoopMetrics();
  for (const number of [1, 2]) {
    const loop = new FakeLoop(number);
    loop.metrics.requests.add(number, "openai", "u", "m", "completed");
    loop.metrics.streamsOpen.add(10 * number, "u");
    loop.metrics.ttft.observe(0.3);
    loop.outstanding = 100 * number;
    page.take(loop, loop.snapshot());
  }
  const samples = samplesOf(page.page());
  assert.equal(
    samples.get('headwaiter_requests_total{dialect="openai",upstream="u",model="m",outcome="completed"}'),
    3,
  );
  assert.equal(samples.get('headwaiter_streams_open{upstream="u"}'), 30);
  assert.equal(samples.get('headwaiter_endpoint_outstanding{upstream="u",endpoint="e"}'), 300);
  assert.equal(samples.get("headwaiter_open_sockets"), 2);
  assert.equal(samples.get('headwaiter_ttft_seconds_bucket{le="0.3"}'), 2);
  assert.equal(samples.get("headwaiter_ttft_seconds_sum"), 0.6);
  assert.equal(samples.get('headwaiter_loop_delay_seconds{loop="1",quantile="0.99"}'), 2);
  assert.equal(samples.get('headwaiter_loop_delay_seconds{loop="2",quantile="0.99"}'), 4);
});

test("a loop that has ended leaves what it counted, and nothing of what it held", () => {
  const page = new LoopMetrics();
  const loop = new FakeLoop(1);
  loop.metrics.refused.add(4, "overloaded");
  loop.metrics.streamsOpen.add(7, "u");
  loop.metrics.ttft.observe(2);
  page.take(loop, loop.snapshot());
  page.forget(loop);
  const samples = samplesOf(page.page());
  assert.equal(samples.get('headwaiter_refused_total{code="overloaded"}'), 4);
  assert.equal(samples.get("headwaiter_ttft_seconds_count"), 1);
  for (const name of samples.keys()) assert.doesNotMatch(name, /streams_open|outstanding|loop_delay|open_sockets/);
});

test("what a loop said before it ended and what comes after count once", () => {
  const page = new LoopMetrics();
  const loop = new FakeLoop(1);
  loop.metrics.refused.add(4, "overloaded");
  page.take(loop, loop.snapshot());
  page.forget(loop);
  page.forget(loop);
  page.take(loop, loop.snapshot());
  page.forget(loop);
  assert.equal(samplesOf(page.page()).get('headwaiter_refused_total{code="overloaded"}'), 4);
});

test("a loop that ended before it said anything is no fault", () => {
  const page = new LoopMetrics();
  page.forget({});
  assert.deepEqual([...samplesOf(page.page()).keys()], ["headwaiter_rss_bytes"]);
});

test("what is the process's own is on the page once, with any number of loops", () => {
  const page = new LoopMetrics();
  page.process.blocked.add(1, "2");
  page.process.restarts.add(1, "uncaught");
  for (const number of [1, 2, 3]) {
    const loop = new FakeLoop(number);
    page.take(loop, loop.snapshot());
  }
  const samples = samplesOf(page.page());
  assert.ok(samples.get("headwaiter_rss_bytes")! > 1_000_000);
  assert.equal(samples.get('headwaiter_loop_blocked_total{loop="2"}'), 1);
  assert.equal(samples.get('headwaiter_loop_restarts_total{cause="uncaught"}'), 1);
});

/** What can happen to one of three places for loops. */
const event = fc.record({
  place: fc.nat(2),
  kind: fc.constantFrom("count", "count", "report", "report", "late report", "die"),
  code: fc.constantFrom("overloaded", "invalid_json", "draining"),
});

test("no counter ever goes back, and no series leaves its place, over any deaths and restarts", () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 30, maxLength: 80, size: "max" }), (events) => {
      const page = new LoopMetrics();
      const loops = [new FakeLoop(1), new FakeLoop(2), new FakeLoop(3)];
      const dead: FakeLoop[] = [];
      let shown = new Map<string, number>();
      for (const { place, kind, code } of events) {
        const loop = loops[place]!;
        if (kind === "count") {
          loop.metrics.refused.add(1, code);
          loop.metrics.ttft.observe(place);
          loop.metrics.streamsOpen.add(1, code);
        } else if (kind === "report") page.take(loop, loop.snapshot());
        else if (kind === "late report") for (const one of dead) page.take(one, one.snapshot());
        else {
          page.forget(loop);
          dead.push(loop);
          loops[place] = new FakeLoop(place + 1);
        }
        const isCount = ([name]: [string, number]): boolean => /_total|_bucket|_sum|_count/.test(name);
        const samples = new Map([...samplesOf(page.page())].filter(isCount));
        for (const [name, value] of shown) assert.ok(samples.get(name)! >= value, name);
        const before = [...samples.keys()].filter((name) => shown.has(name));
        assert.deepEqual(before, [...shown.keys()]);
        shown = samples;
      }
    }),
    { numRuns: 50 },
  );
});

test("a loop's metrics come out of its thread as they went in", async () => {
  const url = new URL("../../../src/observe/metrics.ts", import.meta.url).href;
  const code = `const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(url)}).then(({ Metrics }) => {
      const metrics = new Metrics({ endpoints: () => [], openSockets: () => 3 });
      metrics.refused.add(2, "overloaded");
      metrics.overhead.observe(0.002);
      parentPort.postMessage(metrics.snapshot());
    });`;
  const worker = new Worker(code, { eval: true });
  const [metrics] = (await once(worker, "message")) as [readonly MetricSnapshot[]];
  const page = new LoopMetrics();
  page.take(worker, metrics);
  const samples = samplesOf(page.page());
  assert.equal(samples.get('headwaiter_refused_total{code="overloaded"}'), 2);
  assert.equal(samples.get('headwaiter_overhead_seconds_bucket{le="0.0025"}'), 1);
  assert.equal(samples.get("headwaiter_open_sockets"), 3);
  await worker.terminate();
});
