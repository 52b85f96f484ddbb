/** What an upstream's API has no place for: refused by the caller's own name for it, or dropped by that name where the config is lenient. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { post } from "../support/gateway.ts";
import { startPair } from "../support/pairs.ts";
import type { PairRow } from "../support/pairs.ts";
import type { UpstreamApi } from "../support/pairs/upstreams.ts";
import { UPSTREAMS } from "../support/pairs/upstreams.ts";
import { response } from "../support/scripted-upstream.ts";

type DialectName = UpstreamApi["dialect"];
type Mode = "strict" | "lenient";

const rows = new Map<string, PairRow>();
const rowOf = (mode: Mode, dialect: DialectName): PairRow => rows.get(`${mode} ${dialect}`)!;

before(async () => {
  for (const mode of ["strict", "lenient"] as const) {
    for (const api of UPSTREAMS) {
      const row = await startPair(api, `translate: ${mode}\n`);
      row.script(({ socket }) => void socket.write(response(200, api.answer({ text: ["ok"], stop: "stop" }))));
      rows.set(`${mode} ${api.dialect}`, row);
    }
  }
});
after(async () => {
  for (const row of rows.values()) await row[Symbol.asyncDispose]();
});

const CHAT = "/v1/chat/completions";
const RESPONSES = "/v1/responses";
const MESSAGES = "/v1/messages";
const GENERATE = "/v1beta/models/gemini-2.5-flash:generateContent";

/** The least that each route takes. */
const BODIES: Readonly<Record<string, object>> = {
  [CHAT]: { model: "m", messages: [{ role: "user", content: "Hi" }] },
  [RESPONSES]: { model: "m", input: "Hi" },
  [MESSAGES]: { model: "m", max_tokens: 100, messages: [{ role: "user", content: "Hi" }] },
  [GENERATE]: { contents: [{ role: "user", parts: [{ text: "Hi" }] }] },
};

interface LossCase {
  readonly path: string;
  readonly back: DialectName;
  /** Added to the least. */
  readonly fields: object;
  /** As its caller calls it. */
  readonly lost: string;
}

/** Read but without a place there, and never heard of. */
const DROPPABLE: readonly LossCase[] = [
  { path: CHAT, back: "anthropic", fields: { seed: 7 }, lost: "seed" },
  { path: CHAT, back: "anthropic", fields: { frequency_penalty: 0.5 }, lost: "frequency_penalty" },
  { path: CHAT, back: "anthropic", fields: { response_format: { type: "json_object" } }, lost: "response_format" },
  { path: CHAT, back: "gemini", fields: { logit_bias: { 50256: -100 } }, lost: "logit_bias" },
  { path: CHAT, back: "gemini", fields: { metdata: { a: "b" } }, lost: "metdata" },
  { path: RESPONSES, back: "openai", fields: { metadata: { a: "b" } }, lost: "metadata" },
  { path: RESPONSES, back: "anthropic", fields: { truncation: "auto" }, lost: "truncation" },
  { path: MESSAGES, back: "openai", fields: { speed: "fast" }, lost: "speed" },
  { path: GENERATE, back: "openai", fields: { labels: { team: "a" } }, lost: "labels" },
  { path: GENERATE, back: "anthropic", fields: { generationConfig: { seed: 7 } }, lost: "generationConfig.seed" },
];

/** No answer is another without it. */
const TOLD: readonly LossCase[] = [
  { path: CHAT, back: "gemini", fields: { user: "u1" }, lost: "user" },
  { path: RESPONSES, back: "gemini", fields: { safety_identifier: "u1" }, lost: "safety_identifier" },
  { path: MESSAGES, back: "gemini", fields: { metadata: { user_id: "u1" } }, lost: "metadata.user_id" },
];

/** Without which the conversation would be another. */
const ESSENTIAL: readonly LossCase[] = [
  { path: CHAT, back: "anthropic", fields: { n: 2 }, lost: "n" },
  { path: CHAT, back: "gemini", fields: { web_search_options: {} }, lost: "web_search_options" },
  { path: RESPONSES, back: "openai", fields: { previous_response_id: "resp_1" }, lost: "previous_response_id" },
  { path: RESPONSES, back: "anthropic", fields: { conversation: "conv_1" }, lost: "conversation" },
  { path: RESPONSES, back: "gemini", fields: { tools: [{ type: "web_search" }] }, lost: "tools[0]" },
  {
    path: RESPONSES,
    back: "openai",
    fields: { input: [{ role: "user", content: [{ type: "input_file", file_id: "file-1" }] }] },
    lost: "input[0].content[0].file_id",
  },
  { path: MESSAGES, back: "openai", fields: { container: "c_1" }, lost: "container" },
  { path: MESSAGES, back: "gemini", fields: { thread: { id: "t" } }, lost: "thread" },
  { path: MESSAGES, back: "openai", fields: { tools: [{ type: "bash_20250124", name: "bash" }] }, lost: "tools[0]" },
  { path: GENERATE, back: "openai", fields: { cachedContent: "cachedContents/1" }, lost: "cachedContent" },
  { path: GENERATE, back: "anthropic", fields: { tools: [{ googleSearch: {} }] }, lost: "tools[0].googleSearch" },
  {
    path: GENERATE,
    back: "anthropic",
    fields: {
      contents: [
        {
          role: "user",
          parts: [{ fileData: { fileUri: "https://generativelanguage.googleapis.com/v1beta/files/1" } }],
        },
      ],
    },
    lost: "contents[0].parts[0].fileData",
  },
];

async function ask(mode: Mode, { path, back, fields }: LossCase): Promise<Response> {
  return post(rowOf(mode, back).gateway.url + path, JSON.stringify({ ...BODIES[path], ...fields }));
}

/** A 400 in the shape of the caller's API that names the field. */
async function checkRefused(answer: Response, { path, lost }: LossCase): Promise<void> {
  assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-error")], [400, "untranslatable"], lost);
  const { error } = (await answer.json()) as { error: { message: string; param?: string; status?: string } };
  assert.ok(error.message.includes(lost), error.message);
  if (path === CHAT || path === RESPONSES) assert.ok(error.param!.startsWith(lost), error.param);
  if (path === GENERATE) assert.equal(error.status, "INVALID_ARGUMENT");
}

test("strict: a field without a place is refused by its caller's name for it, and the upstream hears of nothing", async () => {
  const asked = (): number => [...rows.values()].reduce((all, { upstream }) => all + upstream.requests.length, 0);
  const before = asked();
  for (const one of [...DROPPABLE, ...ESSENTIAL]) await checkRefused(await ask("strict", one), one);
  assert.equal(asked(), before);
});

test("lenient: the field is dropped and named in x-headwaiter-dropped, and the rest arrives", async () => {
  for (const one of DROPPABLE) {
    const answer = await ask("lenient", one);
    assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-dropped")], [200, one.lost], one.lost);
    const { api, upstream } = rowOf("lenient", one.back);
    const sent = upstream.requests.at(-1)!;
    assert.deepEqual(api.heard(sent).texts, ["Hi"]);
    assert.doesNotMatch(sent.body.toString(), /"(?:seed|metdata|labels|speed|truncation|frequency_penalty)"/);
  }
});

test("who the end user is, which no answer depends on, is named and never refused", async () => {
  for (const mode of ["strict", "lenient"] as const) {
    for (const one of TOLD) {
      const answer = await ask(mode, one);
      assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-dropped")], [200, one.lost], one.lost);
    }
  }
});

test("lenient: what would make another conversation of it is refused all the same", async () => {
  for (const one of ESSENTIAL) await checkRefused(await ask("lenient", one), one);
});

test("what goes to the same API passes, whatever it holds, and names nothing", async () => {
  const unknown = { path: CHAT, back: "openai", fields: { metdata: 1, n: 2, logit_bias: { 1: 1 } }, lost: "" } as const;
  const answer = await ask("strict", unknown);
  assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-dropped")], [200, null]);
});

test("what no answer is wrong without is named and never refused: a model that can't begin to think behind a tool's call", async () => {
  const call = { id: "call_1", type: "function", function: { name: "weather", arguments: "{}" } };
  const fields = {
    reasoning_effort: "high",
    tools: [{ type: "function", function: { name: "weather" } }],
    // As SDKs send it that keep no thoughts.
    messages: [
      { role: "user", content: "Hi" },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: "call_1", content: "rain" },
    ],
  };
  const anthropic = UPSTREAMS.find(({ dialect }) => dialect === "anthropic")!;
  const older: UpstreamApi = { ...anthropic, model: "claude-sonnet-4-5" };
  await using row = await startPair(older);
  row.script(({ socket }) => void socket.write(response(200, older.answer({ text: ["ok"], stop: "stop" }))));
  const answer = await post(row.gateway.url + CHAT, JSON.stringify({ ...BODIES[CHAT], ...fields }));
  assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-dropped")], [200, "reasoning_effort"]);
  assert.equal(older.heard(row.upstream.requests[0]!).thinks, false);
});

test("a request that is none of its API's is refused by the field at fault", async () => {
  const wrong: readonly (readonly [string, object, string])[] = [
    [CHAT, { messages: [{ role: "user", content: 5 }] }, "messages[0].content"],
    [RESPONSES, { temperature: "hot" }, "temperature"],
    [MESSAGES, { messages: "Hi" }, "messages"],
    [GENERATE, { contents: 5 }, "contents"],
  ];
  for (const [path, fields, at] of wrong) {
    const back = path === GENERATE ? "openai" : path === MESSAGES ? "gemini" : "anthropic";
    const answer = await ask("strict", { path, back, fields, lost: at });
    assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-error")], [400, "invalid_request"], path);
    const { error } = (await answer.json()) as { error: { message: string; param?: string } };
    assert.ok((error.param ?? error.message).includes(at), JSON.stringify(error));
  }
});
