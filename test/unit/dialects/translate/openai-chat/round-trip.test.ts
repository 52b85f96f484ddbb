import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { CommonEvent } from "../../../../../src/dialects/translate/common.ts";
import { USUAL_QUIRKS } from "../../../../../src/dialects/translate/openai-chat/quirks.ts";
import { readAnswer } from "../../../../../src/dialects/translate/openai-chat/read-answer.ts";
import { readRequest } from "../../../../../src/dialects/translate/openai-chat/read-request.ts";
import { ChatStreamReader } from "../../../../../src/dialects/translate/openai-chat/read-stream.ts";
import { writeAnswer } from "../../../../../src/dialects/translate/openai-chat/write-answer.ts";
import { writeRequest } from "../../../../../src/dialects/translate/openai-chat/write-request.ts";
import { ChatStreamWriter } from "../../../../../src/dialects/translate/openai-chat/write-stream.ts";
import { SseEvents } from "../../../../../src/dialects/translate/sse-events.ts";
import { commonAnswers, commonStreams } from "./arbitrary-answer.ts";
import { commonRequests } from "./arbitrary-conversation.ts";
import type { CommonRequest } from "../../../../../src/dialects/translate/common.ts";
import { gather, gatherParts } from "./gathered.ts";

const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

function assertRead(body: unknown, request: CommonRequest): void {
  const read = readRequest(overTheWire(body));
  assert.ok(read.ok, JSON.stringify(read));
  assert.deepEqual(read.request, request);
  assert.deepEqual(read.losses, []);
}

/** Where refusals have a field, they can be told from content. */
const QUIRKS = { ...USUAL_QUIRKS, hasRefusals: true };
const CONTEXT = { model: "m", wantsUsage: true, framing: "sse" } as const;

test("a request that is written and read is the same request, without a loss", () => {
  fc.assert(
    fc.property(commonRequests, (request) => {
      const written = writeRequest(request, QUIRKS);
      assert.deepEqual(written.losses, []);
      assertRead(written.body, request);
    }),
    { numRuns: 400 },
  );
});

test("so is one that is marked for caching, for an upstream that takes the marks", () => {
  const quirks = { ...QUIRKS, cacheMarks: "cache_control" as const };
  fc.assert(
    fc.property(commonRequests, fc.constantFrom("5m" as const, "1h" as const, undefined), (plain, ttl) => {
      const cache = { ttl };
      const request = {
        ...plain,
        system: plain.system.map((part) => Object.assign({}, part, { cache })),
        tools: plain.tools.map((tool) => Object.assign({}, tool, { cache })),
      };
      const written = writeRequest(request, quirks);
      assertRead(written.body, request);
    }),
    { numRuns: 100 },
  );
});

test("an answer that is written and read says the same", () => {
  fc.assert(
    fc.property(commonAnswers, (answer) => {
      const read = readAnswer(overTheWire(writeAnswer(answer, CONTEXT)))!;
      assert.deepEqual(gatherParts(read.parts), gatherParts(answer.parts));
      assert.deepEqual({ ...read, parts: [] }, { ...answer, parts: [] });
    }),
    { numRuns: 300 },
  );
});

test("a stream that is written and read, wherever its bytes are cut, says the same", () => {
  const cuts = fc.array(fc.nat(3000), { maxLength: 10 });
  fc.assert(
    fc.property(commonStreams, cuts, ({ answer, events }, at) => {
      const writer = new ChatStreamWriter(CONTEXT);
      const wire = Buffer.from(events.map((event) => writer.write(event)).join(""));
      const parser = new SseEvents();
      const reader = new ChatStreamReader();
      const read: CommonEvent[] = [];
      let from = 0;
      for (const cut of [...at, wire.length].sort((a, b) => a - b)) {
        for (const event of parser.push(wire, from, Math.min(cut, wire.length))) read.push(...reader.read(event));
        from = Math.min(cut, wire.length);
      }
      read.push(...reader.end());
      assert.deepEqual(gather(read), {
        ...gatherParts(answer.parts),
        stopReason: answer.stopReason,
        usage: answer.usage,
        logprobs: answer.logprobs ?? [],
        isComplete: true,
        error: undefined,
      });
      const start = read[0];
      assert.deepEqual(start, { kind: "start", id: answer.id, model: "m", createdSeconds: answer.createdSeconds });
    }),
    { numRuns: 300 },
  );
});
