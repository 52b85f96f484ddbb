import assert from "node:assert/strict";
import { test } from "node:test";
import { sim } from "../../src/cli/sim.ts";
import type { SimArguments } from "../../src/cli/sim.ts";

interface Console {
  readonly stdout: { write(text: string): void };
  readonly stderr: { write(text: string): void };
}

function capture(): { output: Console; printed: Promise<string>; errors: () => string } {
  let errors = "";
  const { promise: printed, resolve } = Promise.withResolvers<string>();
  const output = { stdout: { write: resolve }, stderr: { write: (text: string) => void (errors += text) } };
  return { output, printed, errors: () => errors };
}

test("prints where it listens and a curl line, serves as its flags say, and stops on SIGTERM with 0", async () => {
  const { output, printed } = capture();
  const exit = sim({ port: 0, ttft: "1ms", gap: "0ms", tokens: 7 }, output);
  const text = await printed;
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(text)!;
  assert.ok(text.includes(`curl -N ${url}/v1/chat/completions`));
  const response = await fetch(`${url}/v1/messages`, { method: "POST", body: '{"model":"sim"}' });
  const answer = (await response.json()) as { usage: { output_tokens: number } };
  assert.equal(answer.usage.output_tokens, 7);
  process.emit("SIGTERM", "SIGTERM");
  assert.equal(await exit, 0);
  assert.equal(process.listenerCount("SIGTERM"), 0);
});

test("refuses a flag it can't read with 1, and names it", async () => {
  const faults: [SimArguments, RegExp][] = [
    [{ ttft: "200" }, /--ttft/],
    [{ gap: "fast" }, /--gap/],
    [{ tokens: -1 }, /--tokens/],
    [{ tokens: 1.5 }, /--tokens/],
    [{ errorRate: 1.1 }, /--error-rate/],
    [{ errorRate: Number.NaN }, /--error-rate/],
    [{ port: 70_000 }, /--port/],
    [{ host: "203.0.113.1", port: 0 }, /can't listen/],
  ];
  for (const [args, message] of faults) {
    const { output, errors } = capture();
    assert.equal(await sim(args, output), 1);
    assert.match(errors(), message);
  }
});
