import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { monotonicUs, tokenText } from "../../../src/sim/token.ts";

test("stamps with a clock that all threads of the host share", async () => {
  const module = new URL("../../../src/sim/token.ts", import.meta.url).href;
  const source = `import("${module}").then((token) => require("node:worker_threads").parentPort.postMessage(token.monotonicUs()))`;
  const beforeUs = monotonicUs();
  const worker = new Worker(source, { eval: true });
  const theirsUs = await new Promise<number>((resolve) => worker.once("message", resolve));
  const afterUs = monotonicUs();
  await worker.terminate();
  // 1 ms for the two clocks that are read one after the other when the module loads.
  assert.ok(theirsUs >= beforeUs - 1_000 && theirsUs <= afterUs + 1_000, `${beforeUs} ${theirsUs} ${afterUs}`);
});

test("writes a token that JSON takes as it is", () => {
  const text = tokenText(12, 1_234_567);
  assert.equal(text, "{12@1234567} ");
  assert.equal(JSON.stringify(text), `"${text}"`);
});
