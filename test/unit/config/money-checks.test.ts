import assert from "node:assert/strict";
import { test } from "node:test";

import { faultsOf } from "./config-text.ts";

/** Faults of a config with a known model `gpt-5`, an unknown one `house` and patterns of both kinds. */
function faults({
  tenants,
  upstream = "",
  models = "",
}: {
  tenants?: string;
  upstream?: string;
  models?: string;
}): string[] {
  return faultsOf(`
${tenants === undefined ? "" : `tenants: ${tenants}`}
upstreams: { p: { endpoints: [ { url: http://h } ] }, g: { endpoints: [ { url: http://h } ] ${upstream} } }
models: { gpt-5: { upstream: p }, "gpt-4*": { upstream: p }, house: { upstream: g }, "our-*": { upstream: g } ${models} }
`).map((fault) => fault.replace(/; set `price`.*/, ""));
}

test("a money limit over a model without a known price is a fault, whichever limit and whosever", () => {
  const covered = "covers models without a known price";
  assert.deepEqual(faults({ tenants: "{ a: { limits: { usd_per_day: 1 } } }" }), [
    `2:27: \`usd_per_day\` ${covered}: \`house\`, \`our-*\``,
  ]);
  assert.deepEqual(faults({ tenants: "{ a: { key_limits: { usd_per_hour: 1 }, models: [ house ] } }" }), [
    `2:31: \`usd_per_hour\` ${covered}: \`house\``,
  ]);
  assert.deepEqual(faults({ tenants: '{ a: { model_limits: { "our-*": { usd_per_month: 1 } } } }' }), [
    `2:44: \`usd_per_month\` ${covered}: \`our-*\``,
  ]);
  assert.deepEqual(faults({ upstream: ", limits: { usd_per_day: 1, usd_per_hour: 1 }" }), [
    `3:105: \`usd_per_day\` ${covered}: \`house\`, \`our-*\``,
    `3:121: \`usd_per_hour\` ${covered}: \`house\`, \`our-*\``,
  ]);
});

test("a money limit over models that the table knows, or that the config prices, is none", () => {
  assert.deepEqual(
    faults({ tenants: '{ a: { limits: { usd_per_day: 1 }, models: [ gpt-5, "gpt-4*", gpt-4-new ] } }' }),
    [],
  );
  assert.deepEqual(faults({ tenants: "{ a: { model_limits: { gpt-5: { usd_per_day: 1 } } } }" }), []);
  const priced = "{ upstream: g, price: { input: 0, output: 0 } }";
  assert.deepEqual(
    faults({ tenants: "{ a: { limits: { usd_per_day: 1 }, models: [ x ] } }", models: `, x: ${priced}` }),
    [],
  );
  assert.deepEqual(
    faults({
      tenants: "{ a: { limits: { usd_per_day: 1 }, models: [ y ] } }",
      models: ", y: { upstream: g, model: claude-opus-4-5 }",
    }),
    [],
  );
});

test("a tenant's pattern covers every model that it may meet", () => {
  const of = (pattern: string): string[] =>
    faults({ tenants: `{ a: { limits: { usd_per_day: 1 }, models: [ "${pattern}" ] } }` });
  assert.match(of("h*")[0]!, /: `house`$/);
  assert.match(of("*e")[0]!, /: `house`, `our-\*`$/);
  assert.match(of("our-1*")[0]!, /: `our-\*`$/);
  assert.deepEqual(of("gpt-*"), []);
});

test("limits that are not in money need no price", () => {
  assert.deepEqual(faults({ tenants: "{ a: { limits: { tokens_per_minute: 1, max_concurrency: 1 } } }" }), []);
});

test("of many models a few are named, and how many more there are", () => {
  const models = Array.from({ length: 7 }, (_, i) => `, n${i}: { upstream: g }`).join("");
  assert.match(
    faults({ tenants: "{ a: { limits: { usd_per_day: 1 } } }", models })[0]!,
    /: `house`, `our-\*`, `n0` \(and 6 more\)$/,
  );
});
