/** How many tokens a request has: asked of the upstream where it can tell, counted here and marked so where it speaks another API. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { post } from "../support/gateway.ts";
import { startPair } from "../support/pairs.ts";
import type { PairRow } from "../support/pairs.ts";
import { UPSTREAMS } from "../support/pairs/upstreams.ts";
import type { UpstreamApi } from "../support/pairs/upstreams.ts";
import { response } from "../support/scripted-upstream.ts";

const rows = new Map<UpstreamApi["dialect"], PairRow>();
before(async () => {
  for (const api of UPSTREAMS) rows.set(api.dialect, await startPair(api));
});
after(async () => {
  for (const row of rows.values()) await row[Symbol.asyncDispose]();
});

const TEXT = "The quick brown fox jumps over the lazy dog. ";
const COUNT = "/v1/messages/count_tokens";
const messages = (count: number) => [{ role: "user" as const, content: TEXT.repeat(count) }];

function anthropicAt(row: PairRow): Anthropic {
  return new Anthropic({ baseURL: row.gateway.url, apiKey: "k", maxRetries: 0 });
}

test("Anthropic's SDK counts over every upstream; only what we counted is marked", async () => {
  for (const [dialect, row] of rows) {
    row.script(({ socket }) => void socket.write(response(200, '{"input_tokens":1234}')));
    const { data, response: head } = await anthropicAt(row)
      .messages.countTokens({ model: "claude-1", system: "Be brief.", messages: messages(10) })
      .withResponse();
    const isNative = dialect === "anthropic";
    assert.equal(head.headers.get("x-headwaiter-counted"), isNative ? null : "o200k_base");
    assert.equal(row.upstream.requests.length, isNative ? 1 : 0);
    // Ten words and a dot a sentence.
    if (isNative) assert.equal(data.input_tokens, 1234);
    else assert.ok(data.input_tokens >= 90 && data.input_tokens <= 140, String(data.input_tokens));
  }
});

test("Google's SDK counts over every upstream, under both versions of its API", async () => {
  for (const [dialect, row] of rows) {
    row.script(({ socket }) => void socket.write(response(200, '{"totalTokens":1234}')));
    for (const apiVersion of ["v1beta", "v1"]) {
      const google = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: row.gateway.url, apiVersion } });
      const { totalTokens } = await google.models.countTokens({ model: "gemini-1", contents: TEXT.repeat(10) });
      if (dialect === "gemini") assert.equal(totalTokens, 1234);
      else assert.ok(totalTokens! >= 90 && totalTokens! <= 140, String(totalTokens));
    }
  }
});

test("Gemini's count of a whole request asks for the model by the name that it has upstream, or counts that request", async () => {
  const request = {
    contents: [{ parts: [{ text: TEXT.repeat(10) }] }],
    systemInstruction: { parts: [{ text: TEXT }] },
  };
  for (const key of ["generateContentRequest", "generate_content_request"]) {
    for (const [dialect, row] of rows) {
      row.script(({ socket }) => void socket.write(response(200, '{"totalTokens":1234}')));
      const body = `{ "x": 1.0, "${key}": ${JSON.stringify({ ...request, model: "models/gemini-1" })} }`;
      const answer = await post(`${row.gateway.url}/v1beta/models/gemini-1:countTokens`, body);
      const { totalTokens } = (await answer.json()) as { totalTokens: number };
      if (dialect === "gemini") {
        const sent = row.upstream.requests.at(-1)!.body.toString();
        assert.equal(sent, body.replace("models/gemini-1", `models/${row.api.model}`));
        assert.equal(totalTokens, 1234);
      } else assert.ok(totalTokens >= 100 && totalTokens <= 150, String(totalTokens));
    }
  }
});

test("a large request is counted too, and a picture by its size and not by its bytes", async () => {
  const row = rows.get("openai")!;
  const count = async (content: unknown): Promise<number> => {
    const body = JSON.stringify({ model: "m", messages: [{ role: "user", content }] });
    const answer = await post(row.gateway.url + COUNT, body);
    assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-counted")], [200, "o200k_base"]);
    return ((await answer.json()) as { input_tokens: number }).input_tokens;
  };
  const large = await count(TEXT.repeat(10_000));
  assert.ok(large >= 90_000 && large <= 140_000, String(large));
  const data = Buffer.alloc(300_000, 1).toString("base64");
  const source = { type: "base64", media_type: "image/png", data };
  const picture = await count([{ type: "image", source }]);
  assert.ok(picture < 10_000, String(picture));
});
