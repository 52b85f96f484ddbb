/** What is too large to be translated on the loop is translated off it, both ways, to the same result. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Counter } from "../../src/observe/metric.ts";
import { startPairs } from "../support/pairs.ts";
import type { PairRow } from "../support/pairs.ts";
import type { PairClient } from "../support/pairs/client.ts";
import { SYSTEM, USAGE } from "../support/pairs/scene.ts";
import { response } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

let rows: readonly PairRow[];
before(async () => {
  rows = await startPairs();
});
after(async () => {
  for (const row of rows) await row[Symbol.asyncDispose]();
});

const WORDS = 'Ein "langer" Text\n mit Ümläuten \u{1F600}. ';
/** Past 256 KiB in any way of writing it. */
const LARGE = WORDS.repeat(8000);
const PICTURE = Buffer.alloc(300_000, 0xfb).toString("base64");

function sample({ gateway }: PairRow, name: string, ...labels: readonly string[]): number {
  const metric = gateway.loop.metrics.all().find((one) => one.name === name);
  assert.ok(metric instanceof Counter);
  return metric.value(...labels);
}

/** How many requests and answers have been translated off the loop. */
function done(row: PairRow): readonly number[] {
  return ["translate_request", "translate_answer"].map((task) =>
    sample(row, "headwaiter_offload_tasks_total", task, "ok"),
  );
}

function answerWith({ api, script }: PairRow, text: string): void {
  script(({ socket }) => void socket.write(response(200, api.answer({ text: [text], stop: "stop" }))));
}

const isForeign = ({ api }: PairRow, client: PairClient): boolean =>
  client.dialect !== api.dialect || client.name.includes("responses");

test("large requests and answers arrive whole by way of a thread, small ones without", async () => {
  for (const row of rows) {
    for (const client of row.clients.filter((one) => isForeign(row, one))) {
      const [requests = 0, answers = 0] = done(row);
      answerWith(row, "short");
      await client.ask({ text: "Hi" }, false);
      assert.deepEqual(done(row), [requests, answers], `${client.name}, small`);

      const image = { mediaType: "image/png", data: PICTURE };
      await client.ask({ text: LARGE, image }, false);
      const heard = row.api.heard(row.upstream.requests.at(-1)!);
      assert.ok(heard.texts.length === 1 && heard.texts[0] === LARGE, client.name);
      assert.deepEqual(heard.images, [["image/png", PICTURE]]);
      assert.deepEqual([heard.system, heard.model], [SYSTEM, row.api.model]);
      assert.deepEqual(done(row), [requests + 1, answers], `${client.name}, a large request`);

      answerWith(row, LARGE);
      const { said } = await client.ask({ text: "Hi" }, false);
      assert.ok(said.text === LARGE, client.name);
      assert.deepEqual(said.usage, USAGE);
      assert.deepEqual(done(row), [requests + 1, answers + 1], `${client.name}, a large answer`);
    }
  }
});

test("a large answer is billed as the upstream reports it", async () => {
  for (const row of rows) {
    const client = row.clients.find((one) => isForeign(row, one))!;
    for (const text of ["short", LARGE]) {
      answerWith(row, text);
      const seen = new Set(row.gateway.accessLines.map(({ requestId }) => requestId));
      await client.ask({ text: "Hi" }, false);
      const line = await row.gateway.access(({ requestId }) => !seen.has(requestId));
      assert.partialDeepStrictEqual(line, { tokensIn: USAGE.input, tokensOut: USAGE.output, tokensFrom: "upstream" });
    }
  }
});

test("a client that leaves while its answer waits for a thread is settled at once, and the answer is dropped", async () => {
  const row = rows[1]!;
  const client = row.clients[0]!;
  const { translations } = row.gateway.loop.runtime;
  // Shared, so that many tasks can have it; it takes a thread a while to find that it is no JSON.
  const huge = Buffer.from(new SharedArrayBuffer(64 * 1024 * 1024)).fill(" ");
  const context = { model: "m", wantsUsage: true, framing: "sse" } as const;
  const busy = Array.from({ length: 30 }, () =>
    translations.submit({
      task: "translate_answer",
      input: { body: huge, front: "openai_chat", back: "anthropic", context },
      sizeBytes: 1,
      deadlineMs: 60_000,
      onOutput() {},
      onFailure() {},
    }),
  );
  const queued = (): number => sample(row, "headwaiter_offload_tasks", "translate_answer", "queued");
  const before = queued();
  answerWith(row, LARGE);
  const controller = new AbortController();
  const asked = client.ask({ text: "Hi", signal: controller.signal }, false);
  await waitUntil(() => queued() === before + 1);
  controller.abort();
  await assert.rejects(asked);
  assert.equal((await row.gateway.access(({ outcome }) => outcome === "client_gone")).outcome, "client_gone");
  assert.ok(queued() <= before);
  assert.equal(row.gateway.loop.calls, 0);
  for (const ticket of busy) ticket?.cancel();
});

test("a large body that is no answer, and one past 32 MiB, are errors and not half an answer", async () => {
  for (const row of rows) {
    const client = row.clients.find((one) => isForeign(row, one))!;
    for (const body of [JSON.stringify({ nothing: LARGE }), `{"x":"${LARGE}`]) {
      row.script(({ socket }) => void socket.write(response(200, body)));
      const error = await client.ask({ text: "Hi" }, false).then(
        () => assert.fail("no error"),
        (thrown: unknown) => client.seen(thrown),
      );
      assert.deepEqual([error.name, error.status], [client.classes[502], 502]);
    }
  }
  const row = rows[1]!;
  answerWith(row, "x".repeat(33 * 1024 * 1024));
  await assert.rejects(
    row.clients[0]!.ask({ text: "Hi" }, false),
    (error) => row.clients[0]!.seen(error).status === 502,
  );
});
