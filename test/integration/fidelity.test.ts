/** Answers come out as they went in: every recorded stream, in every framing, however it is cut on the way. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as fc from "fast-check";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { recordedStreams, skipRecorded } from "../support/recorded-streams.ts";
import type { RecordedStream } from "../support/recorded-streams.ts";
import { everyByte, framed, FRAMINGS, writeInPieces } from "../support/replay.ts";
import type { Framing } from "../support/replay.ts";
import { startScripted } from "../support/scripted-upstream.ts";
import type { ReceivedRequest, ScriptedUpstream } from "../support/scripted-upstream.ts";

/** Longest part of a stream that is written byte by byte: at its beginning and at its end, where things happen. */
const SINGLE_BYTES = 1200;

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let reply: (request: ReceivedRequest) => Promise<void> = () => Promise.reject(new Error("nothing to reply"));

before(async () => {
  upstream = await startScripted((request) => reply(request));
  gateway = await startGateway(configFor(upstream.url));
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

function usageOf({ events }: RecordedStream): { tokensIn: number; tokensOut: number } {
  const figures = [...events.join("\n").matchAll(/"(prompt|total)_tokens": ?(\d+)/g)];
  const last = (name: string): number => Number(figures.findLast((figure) => figure[1] === name)![2]);
  return { tokensIn: last("prompt"), tokensOut: last("total") - last("prompt") };
}

let requests = 0;

/** Replays one stream through the gateway and checks all that the client and the log get to see. */
async function replay(stream: RecordedStream, framing: Framing, bytes: Buffer, cuts: Iterable<number>): Promise<void> {
  const id = `fidelity-${++requests}`;
  reply = (request) => writeInPieces(request, bytes, cuts, framing === "until-close");
  const response = await post(gateway.url + stream.path, chat({ stream: true }), { headers: { "x-request-id": id } });
  const body = Buffer.from(await response.arrayBuffer());
  assert.equal(response.status, 200);
  assert.ok(body.equals(stream.wire), "the body is not what the upstream sent");
  const { date, connection, "keep-alive": keepAlive, ...headers } = Object.fromEntries(response.headers);
  assert.ok(date !== undefined && connection === "keep-alive" && keepAlive !== undefined);
  assert.deepEqual(headers, {
    "cache-control": "no-cache, no-transform",
    "content-type": "text/event-stream; charset=utf-8",
    "openai-processing-ms": "42",
    "openai-version": "2020-10-01",
    "transfer-encoding": "chunked",
    "x-accel-buffering": "no",
    "x-headwaiter-attempts": "1",
    "x-headwaiter-queue-ms": "0",
    "x-headwaiter-upstream": "up",
    "x-request-id": id,
  });
  const line = await gateway.access(({ requestId }) => requestId === id);
  assert.partialDeepStrictEqual(line, {
    outcome: "completed",
    route: stream.path,
    status: 200,
    tokensFrom: "upstream",
    attempts: 1,
    code: null,
    ...usageOf(stream),
  });
  assert.ok(line.ttftMs !== null && line.ttftMs <= line.durationMs);
}

for (const stream of recordedStreams("openai")) {
  test(`${stream.name} passes whole, in each framing`, async () => {
    for (const framing of FRAMINGS) await replay(stream, framing, framed(stream.wire, framing, []), []);
  });

  test(`${stream.name} passes in random chunks and cuts`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...FRAMINGS),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 4000 })), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.array(fc.nat(), { maxLength: 60 }),
        async (framing, sizes, cuts) => {
          const bytes = framed(stream.wire, framing, sizes);
          const at = cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b);
          await replay(stream, framing, bytes, at);
        },
      ),
      { numRuns: 5 },
    );
  });

  test(`${stream.name} passes byte by byte`, async () => {
    for (const framing of FRAMINGS) {
      const bytes = framed(stream.wire, framing, [3, 1, 40, 900]);
      await replay(stream, framing, bytes, everyByte(bytes, SINGLE_BYTES));
    }
  });
}

test("recorded streams pass through the gateway", { skip: skipRecorded }, () => {
  assert.ok(requests > 0);
});

test("streams as no recording has them pass too: CRLF, comments, no space, a byte order mark, lines of a megabyte", async () => {
  const event = (content: string): string =>
    JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
  const usage = '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}';
  const texts = [
    `: hello\r\n\r\ndata: ${event("é𝄞")}\r\n\r\nid: 7\r\nevent: message\r\nretry: 10\r\ndata: ${usage}\r\n\r\ndata: [DONE]\r\n\r\n`,
    `data:${event("\u2028")}\n\ndata:${usage}\n\n:\n\ndata:[DONE]\n\n`,
    `\uFEFFdata: ${usage}\n\ndata: ${event("x")}\n\ndata: [DONE]\n\n: trailing words\n`,
    `data: ${event("A".repeat(1 << 20))}\n\ndata: ${usage}\n\ndata: [DONE]\n\n`,
  ];
  for (const text of texts) {
    const stream = {
      name: "",
      dialect: "openai",
      path: "/v1/chat/completions",
      events: [usage],
      wire: Buffer.from(text),
    } as const;
    for (const framing of FRAMINGS) {
      const bytes = framed(stream.wire, framing, [1, 2, 30_000]);
      await replay(stream, framing, bytes, text.length < 10_000 ? bytes.keys() : [100, 70_000, 500_000, 1_048_600]);
    }
  }
});
