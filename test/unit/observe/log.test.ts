import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { createLog } from "../../../src/observe/log.ts";
import type { AccessRecord } from "../../../src/observe/log.ts";

function linesOf(use: (log: ReturnType<typeof createLog>) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  use(createLog({ write: (line) => void lines.push(line) }));
  for (const line of lines) assert.match(line, /^[^\n]+\n$/);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const name = fc.oneof(fc.constantFrom("gpt-5", 'a"b', "back\\slash", "line\nend", "漢", null), fc.string());
const record: fc.Arbitrary<AccessRecord> = fc.record(
  {
    requestId: fc.stringMatching(/^[\w-]{1,40}$/),
    tenant: fc.constantFrom("acme", "anonymous"),
    route: fc.constantFrom("/v1/chat/completions", "/v1/messages"),
    model: name,
    upstream: name,
    endpoint: name,
    status: fc.integer({ min: 0, max: 599 }),
    outcome: fc.constantFrom("completed" as const, "client_gone" as const),
    endedBy: fc.constantFrom("client" as const, "upstream" as const),
    code: fc.constantFrom(null, "overloaded" as const),
    ttftMs: fc.option(fc.nat()),
    durationMs: fc.nat(),
    tokensIn: fc.option(fc.nat()),
    tokensOut: fc.option(fc.nat()),
    tokensFrom: fc.constantFrom(null, "upstream" as const, "counted" as const),
    attempts: fc.nat(9),
    detail: fc.string(),
  },
  {
    noNullPrototype: true,
    requiredKeys: [
      "requestId",
      "tenant",
      "route",
      "model",
      "upstream",
      "endpoint",
      "status",
      "outcome",
      "endedBy",
      "code",
      "ttftMs",
      "durationMs",
      "tokensIn",
      "tokensOut",
      "tokensFrom",
      "attempts",
    ],
  },
);

test("the line of a request is its record as JSON, whatever names the config has, also the second time", () => {
  fc.assert(
    fc.property(record, (record) => {
      for (const line of linesOf((log) => [record, record].forEach((one) => log.access(one)))) {
        const { level, time, msg, ...rest } = line;
        assert.deepEqual([level, typeof time, msg], ["info", "number", "request"]);
        assert.deepEqual(rest, record);
      }
    }),
  );
});

test("more names than are remembered are as right as the first", () => {
  const [base] = fc.sample(record, 1);
  const models = Array.from({ length: 10_000 }, (_, i) => `"model" ${i}`);
  const lines = linesOf((log) => models.forEach((model) => log.access({ ...base!, model })));
  assert.deepEqual(
    lines.map(({ model }) => model),
    models,
  );
});

test("the access line has the fields of every other line, in words and not in numbers", () => {
  const [base] = fc.sample(record, 1);
  const [access, warning] = linesOf((log) => {
    log.access(base!);
    log.warn({ requestId: "r" }, "something");
  });
  assert.deepEqual(Object.keys(access!).slice(0, 3), Object.keys(warning!).slice(0, 3));
  assert.equal(warning!.level, "warn");
});
