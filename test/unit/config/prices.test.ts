import assert from "node:assert/strict";
import { test } from "node:test";

import type { ConfigSnapshot, Price } from "../../../src/config/snapshot.ts";
import { PRICE_TABLE } from "../../../src/config/price-table.ts";
import { hasListPrice, priceOf } from "../../../src/config/prices.ts";
import { loaded } from "./config-text.ts";

const MODELS = `
upstreams: { u: { endpoints: [ { url: http://127.0.0.1:1/v1 } ] } }
models:
  gpt-5: { upstream: u }
  ours: { upstream: u, model: gpt-4o-2024-08-06 }
  house: { upstream: u, model: llama }
  dear: { upstream: u, model: gpt-5, price: { input: 100, output: 0, cached_input: 0.5 } }
  "gpt-4*": { upstream: u }
  "gemini-*": { upstream: u }
  "x-*": { upstream: u }
  "y-*": { upstream: u, price: { input: 1, output: 2 } }
`;

const config: ConfigSnapshot = loaded(MODELS);

function price(asked: string, inputTokens = 1): Price | undefined {
  return priceOf(config.models.resolve(asked)!, asked, inputTokens);
}

const usd = (input: number, output: number, cached?: number): Price => ({
  inputUsdPerMillion: input,
  outputUsdPerMillion: output,
  cachedInputUsdPerMillion: cached,
});

test("a model costs what the table says of the name that the upstream is asked for", () => {
  assert.deepEqual(price("gpt-5"), usd(1.25, 10, 0.125));
  assert.deepEqual(price("ours"), usd(2.5, 10, 1.25));
  assert.deepEqual(price("gpt-4.1-mini"), usd(0.4, 1.6, 0.1));
  assert.equal(price("house"), undefined);
});

test("what the config says goes before the table", () => {
  assert.deepEqual(price("dear"), usd(100, 0, 0.5));
  assert.deepEqual(price("y-1"), usd(1, 2));
});

test("a dated snapshot costs what its model does, unless it has a price of its own", () => {
  for (const name of ["gpt-4o-2024-11-20", "gpt-4o-latest", "gpt-4o@20241120", "gpt-4o-20241120"])
    assert.deepEqual(price(name), price("gpt-4o"), name);
  assert.deepEqual(price("gpt-4o-2024-05-13"), usd(5, 15));
  assert.deepEqual(hasListPrice("models/gemini-2.5-pro"), true);
  assert.equal(hasListPrice("gpt-5-2025"), false);
  assert.equal(hasListPrice("gpt-5-audio"), false);
});

test("a name that only a pattern matches, and the table does not know, costs as much as the dearest that the pattern matches", () => {
  assert.deepEqual(price("gpt-4-unheard-of"), usd(30, 60));
  assert.equal(price("x-1"), undefined);
  assert.deepEqual([hasListPrice("gpt-4*"), hasListPrice("*"), hasListPrice("x-*")], [true, true, false]);
});

test("a long input costs more where the provider says so, to the token", () => {
  assert.deepEqual(price("gemini-2.5-pro", 200_000), usd(1.25, 10, 0.125));
  assert.deepEqual(price("gemini-2.5-pro", 200_001), usd(2.5, 15, 0.25));
  assert.deepEqual(price("gpt-5", 1_000_000), price("gpt-5", 0));
  assert.deepEqual(price("dear", 1_000_000), price("dear", 0));
});

test("a name of any length is looked up in no time", () => {
  assert.equal(hasListPrice("gpt-5".padEnd(100_000, "-2024-08-06")), false);
});

test("the table is dated, has sources, names each model once, and no price of it is out of line", () => {
  assert.match(PRICE_TABLE.date, /^20\d\d-\d\d-\d\d$/);
  assert.ok(PRICE_TABLE.sources.every((source) => URL.canParse(source)));
  const names = PRICE_TABLE.entries.flatMap((entry) => entry.names);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.every((name) => /^[a-z0-9.-]+$/.test(name)));
  for (const { names, input, output, cachedInput, long } of PRICE_TABLE.entries) {
    assert.ok(input > 0 && input <= 200 && output <= 700, names.join());
    assert.ok(output >= input || names[0]!.includes("embedding"), names.join());
    assert.ok(cachedInput === undefined || (cachedInput > 0 && cachedInput < input), names.join());
    assert.ok(long === undefined || (long.input > input && long.output > output), names.join());
    assert.equal(long?.cachedInput === undefined, long === undefined || cachedInput === undefined, names.join());
    // Six decimals are what the config takes, too.
    for (const usd of [input, output, cachedInput ?? 0, long?.input ?? 0, long?.output ?? 0, long?.cachedInput ?? 0])
      assert.equal(Number(usd.toFixed(6)), usd, names.join());
  }
});
