import assert from "node:assert/strict";
import { test } from "node:test";
import { monotonicMs } from "../../../src/core/monotonic-clock.ts";
import { blockingStack } from "../../../src/supervisor/blocking-stack.ts";
import { StandingProfile } from "../../../src/supervisor/standing-profile.ts";
import { BlockingLoop } from "../../support/blocking-loop.ts";

const CLOCKS_APART_MS = 100;

test("has seen what ran since it was renewed last, and goes back no further", async () => {
  await using loop = await BlockingLoop.start("loop 1");
  const profile = new StandingProfile(() => loop.startCpuProfile());
  let renewedMs = monotonicMs();
  assert.equal(await profile.renew(), null);
  for (const [task, name] of [
    ["spin", "spinFor"],
    ["wait", "waitFor"],
  ] as const) {
    const fromMs = monotonicMs();
    await loop.block(task, 200);
    const stopped = await profile.renew();
    assert.ok(typeof stopped === "object" && stopped !== null);
    const stack = blockingStack(stopped, fromMs, stopped.askedMs);
    assert.ok(Array.isArray(stack) && stack.some((frame) => frame.function === name), JSON.stringify(stack));
    const { startTime, endTime } = JSON.parse(stopped.json) as { startTime: number; endTime: number };
    // V8's clock and ours are read at different moments; the block before would be 200 ms more.
    assert.ok((endTime - startTime) / 1000 <= stopped.stoppedMs - renewedMs + CLOCKS_APART_MS);
    renewedMs = stopped.askedMs;
  }
  profile.close();
});

test("changes one at a time, and tells a thread that is gone from one that never could be profiled", async () => {
  const loop = await BlockingLoop.start("loop 1");
  const profile = new StandingProfile(() => loop.startCpuProfile());
  const arming = profile.renew();
  assert.equal(profile.changing, true);
  assert.equal(await profile.renew(), null);
  assert.equal(await arming, null);
  assert.equal(profile.changing, false);
  await loop.worker.terminate();
  assert.equal(await profile.renew(), "gone");
  profile.close();
  assert.equal(await profile.renew(), null);
});

test("ends what was being started when it was closed", async () => {
  const stopped: string[] = [];
  const started = Promise.withResolvers<{ stop(): Promise<string> }>();
  const profile = new StandingProfile(() => started.promise);
  const arming = profile.renew();
  profile.close();
  started.resolve({
    stop: () => {
      stopped.push("stopped");
      return Promise.reject(new Error("the thread is gone"));
    },
  });
  assert.equal(await arming, null);
  assert.deepEqual(stopped, ["stopped"]);
});
