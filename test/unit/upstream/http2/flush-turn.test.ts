import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { FlushTurn } from "../../../../src/upstream/http2/flush-turn.ts";

test("flushes all that gathered in a turn at its end, and what gathers meanwhile in the next", async () => {
  const flushTurn = new FlushTurn();
  const flushed: string[] = [];
  const late = { flush: () => flushed.push("late") };
  flushTurn.add({
    flush: () => {
      flushed.push("one");
      flushTurn.add(late);
    },
  });
  flushTurn.add({ flush: () => flushed.push("two") });
  assert.deepEqual(flushed, []);
  await turn();
  assert.deepEqual(flushed, ["one", "two"]);
  await turn();
  assert.deepEqual(flushed, ["one", "two", "late"]);
});
