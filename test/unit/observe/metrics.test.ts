import assert from "node:assert/strict";
import { test } from "node:test";
import { exposition } from "../../../src/observe/metric.ts";
import { Metrics } from "../../../src/observe/metrics.ts";

function page(): { text: string; metrics: Metrics } {
  const metrics = new Metrics({
    endpoints: () => [{ upstream: "u", endpoint: "http://127.0.0.1:1", outstanding: 3 }],
    openSockets: () => 5,
  });
  const text = exposition(metrics.all());
  metrics.close();
  return { text, metrics };
}

test("every metric has a name with the prefix and its unit, one help line and one type line", () => {
  const { text, metrics } = page();
  const names = metrics.all().map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, type, help } of metrics.all()) {
    assert.match(name, /^headwaiter_[a-z_]+$/);
    assert.equal(type === "counter", name.endsWith("_total"), name);
    assert.match(help, /^[A-Z][^\n\\]*\.$/);
    assert.equal(text.split(`# TYPE ${name} ${type}\n`).length, 2);
  }
});

test("what only the loop knows is read from it", () => {
  const { text } = page();
  assert.match(text, /^headwaiter_endpoint_outstanding\{upstream="u",endpoint="http:\/\/127\.0\.0\.1:1"\} 3$/m);
  assert.match(text, /^headwaiter_open_sockets 5$/m);
  assert.match(text, /^headwaiter_rss_bytes \d{7,}$/m);
  assert.match(text, /^headwaiter_loop_delay_seconds\{quantile="0\.99"\} [\d.e-]+$/m);
  assert.doesNotMatch(text, /NaN|undefined/);
});
