import assert from "node:assert/strict";
import { test } from "node:test";
import { exposition } from "../../../src/observe/metric.ts";
import { Metrics } from "../../../src/observe/metrics.ts";
import { ProcessMetrics } from "../../../src/observe/process-metrics.ts";

const readings = {
  endpoints: () => [{ upstream: "u", endpoint: "http://127.0.0.1:1", outstanding: 3 }],
  openSockets: () => 5,
};
const delay = { loop: 2, lastReport: () => ({ delayP50Us: 150, delayP99Us: 2000, delayMaxUs: 40_000 }) };

test("every metric has a name with the prefix and its unit, one help line and one type line", () => {
  const all = [...new Metrics(readings, delay).all(), ...new ProcessMetrics().all()];
  const text = exposition(all.map((metric) => metric.snapshot()));
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  for (const { name, type, help } of all) {
    assert.match(name, /^headwaiter_[a-z_]+$/);
    assert.equal(type === "counter", name.endsWith("_total"), name);
    assert.match(help, /^[A-Z][^\n\\]*\.$/);
    assert.equal(text.split(`# TYPE ${name} ${type}\n`).length, 2);
  }
});

test("what only the loop knows is read from it", () => {
  const text = exposition(new Metrics(readings, delay).snapshot());
  assert.match(text, /^headwaiter_endpoint_outstanding\{upstream="u",endpoint="http:\/\/127\.0\.0\.1:1"\} 3$/m);
  assert.match(text, /^headwaiter_open_sockets 5$/m);
  assert.match(text, /^headwaiter_loop_delay_seconds\{loop="2",quantile="0\.5"\} 0\.00015$/m);
  assert.match(text, /^headwaiter_loop_delay_seconds\{loop="2",quantile="0\.99"\} 0\.002$/m);
  assert.match(text, /^headwaiter_loop_delay_seconds\{loop="2",quantile="1"\} 0\.04$/m);
  assert.doesNotMatch(text, /NaN|undefined|rss/);
});

test("a loop whose pulse has not reported yet, or that has none, shows no delay", () => {
  for (const metrics of [new Metrics(readings), new Metrics(readings, { loop: 1, lastReport: () => null })]) {
    assert.doesNotMatch(exposition(metrics.snapshot()), /^headwaiter_loop_delay_seconds\{/m);
  }
});

test("the process's memory is shown once, by the process", () => {
  assert.match(exposition(new ProcessMetrics().snapshot()), /^headwaiter_rss_bytes \d{7,}$/m);
});
