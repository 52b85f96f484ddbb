import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { waitUntil } from "../../support/wait-until.ts";
import { TestPool } from "./test-pool.ts";

const step = fc.record({
  task: fc.constantFrom("echo", "spin", "exit", "throw"),
  deadlineMs: fc.constantFrom(1, 20, 10_000),
  cancelled: fc.boolean(),
});

test("whatever is submitted, cancelled, late or fatal: each task ends once, and nothing is left behind", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      await using pool = new TestPool({ threads: 2, maxQueuedTasks: 6, maxHeldBytes: 8 });
      let told = 0;
      let expected = 0;
      for (const { task, deadlineMs, cancelled } of steps) {
        const ticket = pool.pool.submit({
          task,
          input: { ms: 5 },
          sizeBytes: 1,
          deadlineMs,
          onOutput: () => void told++,
          onFailure: () => void told++,
        });
        if (cancelled) ticket?.cancel();
        else if (ticket !== undefined) expected++;
      }
      await waitUntil(() => pool.results.length === steps.length);
      assert.equal(told, expected);
      assert.deepEqual(pool.gauges, { queued: 0, running: 0 });
      assert.equal(pool.pool.hasRoom(8), true);
    }),
    { numRuns: 12 },
  );
});
