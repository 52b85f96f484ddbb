import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { providerWaitMs } from "../../../src/admission/provider-limits.ts";

const NOW_MS = Date.parse("2026-03-01T12:00:00Z");

function waitMs(status: number, headers: Record<string, string>, costTokens = 1000): number {
  return Math.round(providerWaitMs({ status, headers: Object.entries(headers).flat(), costTokens }, NOW_MS));
}

test("retry-after of a refusal is obeyed in seconds, milliseconds and as a date", () => {
  assert.equal(waitMs(429, { "retry-after": "7" }), 7000);
  assert.equal(waitMs(529, { "retry-after": "7" }), 7000);
  assert.equal(waitMs(503, { "retry-after": "Sun, 01 Mar 2026 12:00:09 GMT" }), 9000);
  assert.equal(waitMs(429, { "retry-after": "7", "retry-after-ms": "6500.5" }), 6501);
  assert.equal(waitMs(429, { "retry-after": "0" }), 0);
});

test("retry-after of an answer that is no refusal asks for nothing", () => {
  assert.equal(waitMs(200, { "retry-after": "7" }), 0);
  assert.equal(waitMs(400, { "retry-after": "7" }), 0);
});

test("nobody is believed for more than five minutes, nor in the past", () => {
  assert.equal(waitMs(429, { "retry-after": "86400" }), 300_000);
  assert.equal(waitMs(429, { "retry-after": "Sun, 01 Mar 2026 11:00:00 GMT" }), 0);
});

for (const [written, ms] of [
  ["1s", 1000],
  ["6m0s", 300_000],
  ["20ms", 20],
  ["2m59.56s", 179_560],
  ["1h0m0s", 300_000],
  ["7.66s", 7660],
  ["12", 12_000],
  ["2026-03-01T12:00:30Z", 30_000],
  ["2026-03-01T13:00:30.5+01:00", 30_500],
  ["1772366430", 0],
  ["soon", 0],
  ["", 0],
  ["1m1m", 0],
] as const) {
  test(`a limit that is whole again after "${written}" is waited for ${ms} ms`, () => {
    const headers = { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": written };
    assert.equal(waitMs(429, headers), ms);
  });
}

test("of a limit that fills up steadily only what the next request needs is waited for", () => {
  const requests = {
    "x-ratelimit-limit-requests": "60",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "1m0s",
  };
  assert.equal(waitMs(200, requests), 1000);
  const tokens = {
    "x-ratelimit-limit-tokens": "100000",
    "x-ratelimit-remaining-tokens": "0",
    "x-ratelimit-reset-tokens": "60s",
  };
  assert.equal(waitMs(200, tokens, 2000), 1200);
  // Larger than all there is: the whole.
  assert.equal(waitMs(200, tokens, 500_000), 60_000);
  assert.equal(waitMs(200, { ...requests, ...tokens }, 2000), 1200);
});

test("what is left of a limit is not waited for, unless it was refused", () => {
  const headers = {
    "anthropic-ratelimit-input-tokens-limit": "50000",
    "anthropic-ratelimit-input-tokens-remaining": "1000",
    "anthropic-ratelimit-input-tokens-reset": "2026-03-01T12:00:49Z",
  };
  assert.equal(waitMs(200, headers, 3000), 0);
  assert.equal(waitMs(429, headers, 3000), 2000);
});

test("a provider's own time to wait comes before what its limits say", () => {
  const headers = { "retry-after": "2", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "50s" };
  assert.equal(waitMs(429, headers), 2000);
});

test("whatever an upstream sends is a time from 0 to five minutes", () => {
  const name = fc.constantFrom(
    "retry-after",
    "retry-after-ms",
    ...["limit", "remaining", "reset"].map((field) => `x-ratelimit-${field}-tokens`),
    ...["limit", "remaining", "reset"].map((field) => `anthropic-ratelimit-requests-${field}`),
  );
  const value = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[0-9.smhd]{0,12}$/),
    fc.constantFrom("0", "1e9", "-1", "9999999999999999", "2026-03-01T25:00:00Z", "Sun, 99 GMT"),
  );
  const headers = fc.array(fc.tuple(name, value)).map((pairs) => pairs.flat());
  fc.assert(
    fc.property(fc.constantFrom(200, 429, 503), headers, fc.double(), (status, headers, costTokens) => {
      const wait = providerWaitMs({ status, headers, costTokens }, NOW_MS);
      assert.ok(wait >= 0 && wait <= 300_000, `${wait}`);
    }),
  );
});
