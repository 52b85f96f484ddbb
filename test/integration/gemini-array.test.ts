/** Gemini's other form of a stream, one JSON array, over upstreams of every API: element by element, and never half of one. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { post } from "../support/gateway.ts";
import { startPairs } from "../support/pairs.ts";
import type { PairRow } from "../support/pairs.ts";
import { USAGE } from "../support/pairs/scene.ts";
import { chunk, LAST_CHUNK, STREAM_HEAD } from "../support/scripted-upstream.ts";

let rows: readonly PairRow[];
before(async () => {
  const all = await startPairs();
  rows = all.filter(({ api }) => api.dialect !== "gemini");
  for (const row of all) if (!rows.includes(row)) await row[Symbol.asyncDispose]();
});
after(async () => {
  for (const row of rows) await row[Symbol.asyncDispose]();
});

interface Element {
  readonly candidates?: readonly {
    readonly content?: { readonly parts?: readonly { readonly text?: string }[] };
    readonly finishReason?: string;
  }[];
  readonly usageMetadata?: { readonly promptTokenCount: number; readonly candidatesTokenCount: number };
  readonly error?: { readonly code: number; readonly message: string };
}

const ask = ({ gateway }: PairRow): Promise<Response> =>
  post(
    `${gateway.url}/v1beta/models/gemini-x:streamGenerateContent`,
    '{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}',
  );
const textOf = (elements: readonly Element[]): string =>
  elements.map(({ candidates }) => candidates?.[0]?.content?.parts?.[0]?.text ?? "").join("");

test("a whole stream is a JSON array: the text piece by piece, the reason and the usage at the end", async () => {
  for (const row of rows) {
    let release = (): void => {};
    row.script(({ socket }) => {
      const events = row.api.events({ text: ["Hel", "lo"], stop: "stop" });
      const half = events.findIndex((event) => event.includes("Hel")) + 1;
      const join = (part: readonly string[]): Buffer => Buffer.concat(part.map((event) => chunk(event)));
      socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), join(events.slice(0, half))]));
      release = () => void socket.write(Buffer.concat([join(events.slice(half)), Buffer.from(LAST_CHUNK)]));
    });
    const answer = await ask(row);
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "application/json"]);
    const reader = answer.body!.getReader();
    let text = Buffer.from((await reader.read()).value ?? []).toString();
    // The first element is there before the rest has been said.
    assert.equal(textOf(JSON.parse(`${text}]`) as Element[]), "Hel");
    release();
    for (let read = await reader.read(); !read.done; read = await reader.read())
      text += Buffer.from(read.value).toString();
    const elements = JSON.parse(text) as Element[];
    assert.equal(textOf(elements), "Hello");
    assert.equal(elements.at(-1)!.candidates![0]!.finishReason, "STOP");
    const { promptTokenCount, candidatesTokenCount } = elements.at(-1)!.usageMetadata!;
    assert.deepEqual([promptTokenCount, candidatesTokenCount], [USAGE.input, USAGE.output]);
  }
});

test("a stream that breaks off is an array that ends in an error and has no finish reason", async () => {
  for (const row of rows) {
    for (const reported of [true, false]) {
      row.script(({ socket }) => {
        const events = row.api.events({ text: ["Hel", "lo"], stop: "stop" });
        const begin = events.slice(0, events.findIndex((event) => event.includes("Hel")) + 1);
        const last = reported ? [row.api.errorEvent("the provider's own words")] : [];
        const sent = [...begin, ...last].map((event) => chunk(event));
        socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), ...sent]));
        setImmediate(() => socket.destroy());
      });
      const elements = (await (await ask(row)).json()) as Element[];
      assert.equal(textOf(elements), "Hel");
      assert.match(elements.at(-1)!.error!.message, reported ? /provider's own words/ : /closed the connection/);
      assert.ok(elements.every(({ candidates }) => candidates?.[0]?.finishReason === undefined));
    }
  }
});
