import assert from "node:assert/strict";
import { test } from "node:test";
import { startSimInThread } from "../../src/sim/in-thread.ts";

test("serves from a thread of its own, and ends with it", async () => {
  const sim = await startSimInThread({ ttftMs: 0, gapMs: 0, tokens: 2 });
  const body = '{"model":"sim","prompt":"hi"}';
  const response = await fetch(new URL("/v1/completions", sim.url), { method: "POST", body });
  const answer = (await response.json()) as { usage: { completion_tokens: number } };
  assert.equal(answer.usage.completion_tokens, 2);
  await sim.close();
  assert.equal(await sim.ended, undefined);
  await assert.rejects(fetch(sim.url));
});

test("says why the thread cannot listen", async () => {
  const first = await startSimInThread();
  await assert.rejects(startSimInThread({ port: Number(first.url.port) }), /EADDRINUSE/);
  await first.close();
});
