/** Every official SDK reaches every upstream API: what is asked arrives, and what is answered is heard, whole and streamed. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { startPairs } from "../support/pairs.ts";
import type { PairRow } from "../support/pairs.ts";
import { CASES } from "../support/pairs/cases.ts";
import type { PairCase } from "../support/pairs/cases.ts";
import type { PairClient } from "../support/pairs/client.ts";
import { SYSTEM, USAGE } from "../support/pairs/scene.ts";
import type { Heard, Said, Scene } from "../support/pairs/scene.ts";
import { UPSTREAMS } from "../support/pairs/upstreams.ts";
import { chunk, LAST_CHUNK, response, STREAM_HEAD } from "../support/scripted-upstream.ts";

let rows: readonly PairRow[];
before(async () => {
  rows = await startPairs();
});
after(async () => {
  for (const row of rows) await row[Symbol.asyncDispose]();
});

const joined = (pieces: readonly string[] = []): string => pieces.join("");

/** Answers every request with `scene`, in the form that it asks for. */
function play({ api, script }: PairRow, scene: Scene): void {
  script((request) => {
    const events = api.events(scene).map((event) => chunk(event));
    const streamed = Buffer.concat([Buffer.from(STREAM_HEAD), ...events, Buffer.from(LAST_CHUNK)]);
    request.socket.write(api.heard(request).stream ? streamed : response(200, api.answer(scene)));
  });
}

/** What is said is what was heard, whatever the SDK calls it. */
function checkSaid(said: Said, scene: Scene, client: PairClient): void {
  const { calls, ...rest } = said;
  assert.deepEqual(rest, {
    text: joined(scene.text),
    thoughts: client.showsThoughts ? joined(scene.thoughts) : "",
    stop: scene.stop,
    usage: USAGE,
  });
  assert.deepEqual(
    calls.map(({ name, input }) => ({ name, input })),
    (scene.calls ?? []).map(({ name, pieces }) => ({ name, input: JSON.parse(joined(pieces)) as unknown })),
  );
}

function checkIds({ calls }: Said, { api }: PairRow, { dialect }: PairClient, scene: Scene): void {
  // Where Gemini passes as it is, its calls have no ids, which its SDK does without.
  if (api.dialect === "gemini" && dialect === "gemini") return;
  const ids = calls.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id) => id !== ""));
  if (api.dialect === "gemini") return;
  assert.deepEqual(
    ids,
    (scene.calls ?? []).map(({ id }) => id),
  );
}

function heardLast({ api, upstream }: PairRow): Heard {
  return api.heard(upstream.requests.at(-1)!);
}

/** In the same API on both sides nothing is touched. */
function standardBase64(images: Heard["images"]): Heard["images"] {
  return images.map(([type, data]) => [type, Buffer.from(data, "base64").toString("base64")]);
}

async function run(row: PairRow, client: PairClient, one: PairCase, stream: boolean): Promise<void> {
  play(row, one.scene);
  const pieces: string[] = [];
  const onText = (piece: string): void => void pieces.push(piece);
  const { said, history } = await client.ask({ ...one.question, onText }, stream);
  checkSaid(said, one.scene, client);
  checkIds(said, row, client, one.scene);
  if (stream) assert.equal(joined(pieces), joined(one.scene.text), "what came piece by piece");
  const passes = client.dialect === row.api.dialect && !client.name.includes("responses");
  const heard = heardLast(row);
  assert.partialDeepStrictEqual(passes ? { ...heard, images: standardBase64(heard.images) } : heard, {
    stream,
    model: row.api.model,
    system: SYSTEM,
    texts: [one.question.text],
    images: [],
    tools: [],
    thinks: false,
    ...one.heard,
  });
  if (one.results === undefined) return;
  const answer: Scene = { text: ["So it is."], stop: "stop" };
  play(row, answer);
  const second = await client.ask({ ...one.question, after: { history, said, results: one.results } }, stream);
  checkSaid(second.said, answer, client);
  checkRoundTrip(heardLast(row), one);
}

/** The calls and their results come back, each to its own. */
function checkRoundTrip({ calls, results }: Heard, { scene, results: given }: PairCase): void {
  const said = scene.calls!;
  assert.deepEqual(
    calls.map(({ name, input }) => ({ name, input })),
    said.map(({ name, pieces }) => ({ name, input: JSON.parse(joined(pieces)) as unknown })),
  );
  assert.deepEqual(
    results.map(({ text }) => text),
    given,
  );
  assert.deepEqual(
    results.map(({ id }) => id),
    calls.map(({ id }) => id),
  );
}

for (const [place, { dialect }] of UPSTREAMS.entries()) {
  suite(`an upstream that speaks ${dialect}`, () => {
    for (const one of CASES) {
      test(one.name, async (t) => {
        const row = rows[place]!;
        for (const client of row.clients) {
          for (const stream of [false, true]) {
            await t.test(`${client.name}, ${stream ? "streamed" : "whole"}`, () => run(row, client, one, stream));
          }
        }
      });
    }
  });
}
