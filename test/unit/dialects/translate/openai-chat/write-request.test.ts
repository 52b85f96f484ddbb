import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { AssistantPart, CommonRequest, Message } from "../../../../../src/dialects/translate/common.ts";
import { USUAL_QUIRKS, quirksOf } from "../../../../../src/dialects/translate/openai-chat/quirks.ts";
import { openaiChatBack, openaiChatBackAt } from "../../../../../src/dialects/translate/openai-chat/translation.ts";
import { writeRequest } from "../../../../../src/dialects/translate/openai-chat/write-request.ts";
import type { WrittenRequest } from "../../../../../src/dialects/translate/translation.ts";
import { BARE_REQUEST } from "../../../../support/common-request.ts";
import { commonRequests } from "./arbitrary-conversation.ts";

const write = (request: Partial<CommonRequest>, host = "gpu"): WrittenRequest =>
  writeRequest({ ...BARE_REQUEST, ...request }, quirksOf(host));
const messagesOf = (messages: readonly Message[], host?: string): unknown => write({ messages }, host).body["messages"];
const text = (words: string): { kind: "text"; text: string } => ({ kind: "text", text: words });
const image = { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "AAEC" } } as const;

test("nothing is said that the request does not say", () => {
  assert.deepEqual(write({}), {
    path: "/chat/completions",
    headers: [],
    body: { model: "m", messages: [] },
    losses: [],
  });
});

test("the usage of a stream is asked for, whether or not the caller wants it", () => {
  assert.deepEqual(write({ stream: true }).body["stream_options"], { include_usage: true });
});

test("results stand right behind the calls, and what else the turn says after them; their pictures too", () => {
  const result = (id: string, ...content: (typeof image | ReturnType<typeof text>)[]): Message => ({
    role: "user",
    parts: [text(`before ${id}`), { kind: "tool_result", id, name: "f", content, isError: false }],
  });
  const call = (id: string): { kind: "tool_call"; id: string; name: string; arguments: string } => ({
    kind: "tool_call",
    id,
    name: "f",
    arguments: "{}",
  });
  assert.deepEqual(
    messagesOf([
      { role: "assistant", parts: [call("1")] },
      result("1", text("one"), image, text("more")),
      { role: "assistant", parts: [text("a"), text("b")] },
    ]),
    [
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "1", content: "one\n\nmore" },
      {
        role: "user",
        content: [
          { type: "text", text: "From the result of the tool call 1:" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAEC" } },
        ],
      },
      { role: "user", content: "before 1" },
      { role: "assistant", content: "ab" },
    ],
  );
});

test("pictures of several results wait for the last of them", () => {
  const result = (id: string): Message => ({
    role: "user",
    parts: [{ kind: "tool_result", id, name: "f", content: [image], isError: false }],
  });
  const roles = (messagesOf([result("1"), result("2")]) as { role: string }[]).map(({ role }) => role);
  assert.deepEqual(roles, ["tool", "tool", "user"]);
});

test("that a result is an error is told in its words", () => {
  const parts = [{ kind: "tool_result", id: "1", name: "f", content: [text("boom")], isError: true }] as const;
  assert.deepEqual(messagesOf([{ role: "user", parts }]), [
    { role: "tool", tool_call_id: "1", content: "Error: boom" },
  ]);
});

test("that a result is an error is told in its words also where they have a cache mark", () => {
  const cache = { ttl: undefined };
  const content = [{ ...text("boom"), cache }, text("bang")];
  const parts = [{ kind: "tool_result", id: "1", name: "f", content, isError: true }] as const;
  assert.deepEqual(messagesOf([{ role: "user", parts }], "openrouter.ai"), [
    {
      role: "tool",
      tool_call_id: "1",
      content: [
        { type: "text", text: "Error: boom", cache_control: { type: "ephemeral" } },
        { type: "text", text: "bang" },
      ],
    },
  ]);
});

test("a result's own cache mark stands on the last of its text", () => {
  const result = { kind: "tool_result", id: "1", name: "f", content: [text("a"), text("b")], isError: false } as const;
  const marked = { ...result, cache: { ttl: undefined } };
  const contentOf = (host: string): unknown =>
    (messagesOf([{ role: "user", parts: [marked] }], host) as { content: unknown }[])[0]!.content;
  assert.deepEqual(contentOf("openrouter.ai"), [
    { type: "text", text: "a" },
    { type: "text", text: "b", cache_control: { type: "ephemeral" } },
  ]);
  assert.equal(contentOf("gpu"), "a\n\nb");
});

test("a refusal of an earlier turn is the content where the server has no field for it", () => {
  const parts = [{ kind: "refusal", text: "No." }] as const;
  const said = (host: string): unknown => messagesOf([{ role: "assistant", parts }], host);
  for (const host of ["api.openai.com", "mine.openai.azure.com"])
    assert.deepEqual(said(host), [{ role: "assistant", content: null, refusal: "No." }]);
  for (const host of ["10.0.0.1", "api.mistral.ai", "api.groq.com", "api.x.ai"])
    assert.deepEqual(said(host), [{ role: "assistant", content: "No." }]);
});

test("Google's proof of a call goes back to Google, and to no other server", () => {
  const call = { kind: "tool_call", id: "1", name: "f", arguments: "{}" } as const;
  const said = (host: string, family: "gemini" | "anthropic"): unknown => {
    const parts = [{ ...call, signature: { family, data: "s" } }];
    const [message] = messagesOf([{ role: "assistant", parts }], host) as { tool_calls: Record<string, unknown>[] }[];
    return message!.tool_calls[0]!["extra_content"];
  };
  const google = "generativelanguage.googleapis.com";
  assert.deepEqual(said(google, "gemini"), { google: { thought_signature: "s" } });
  assert.equal(said(google, "anthropic"), undefined);
  for (const host of ["gpu", "api.openai.com", "api.mistral.ai"]) assert.equal(said(host, "gemini"), undefined);
});

test("that a model shall not think is not said to those of OpenAI's that can't, which refuse to be told", () => {
  const effortOf = (host: string, model: string, effort: "none" | "low"): unknown =>
    write({ model, reasoning: { effort } }, host).body["reasoning_effort"];
  for (const model of ["gpt-4o", "gpt-4.1-mini", "gpt-3.5-turbo", "chatgpt-4o-latest"])
    assert.equal(effortOf("api.openai.com", model, "none"), undefined);
  assert.equal(effortOf("api.openai.com", "gpt-5.1", "none"), "none");
  assert.equal(effortOf("api.openai.com", "gpt-4o", "low"), "low");
  assert.equal(effortOf("gpu", "qwen3", "none"), "none");
});

test("thoughts of others go to nobody, and are no loss", () => {
  const signature = { family: "anthropic", data: "s" } as const;
  const written = write({
    messages: [{ role: "assistant", parts: [{ kind: "reasoning", text: "hm", signature }, text("x")] }],
  });
  assert.deepEqual(written.body["messages"], [{ role: "assistant", content: "x" }]);
  assert.deepEqual(written.losses, []);
});

test("unsigned thoughts go back with the calls that they led to, where the server takes them or demands them", () => {
  const call = { kind: "tool_call", id: "1", name: "f", arguments: "{}" } as const;
  const signature = { family: "gemini", data: "s" } as const;
  const thoughtsOf = (host: string, ...parts: AssistantPart[]): unknown =>
    (messagesOf([{ role: "assistant", parts }], host) as Record<string, unknown>[])[0]!["reasoning_content"];
  const unsigned = [
    { kind: "reasoning", text: "a" },
    { kind: "reasoning", text: "b" },
  ] as const;
  const signed = { kind: "reasoning", text: "c", signature } as const;
  assert.equal(thoughtsOf("gpu", ...unsigned, signed, call), "ab");
  assert.equal(thoughtsOf("gpu", signed, call), undefined);
  assert.equal(thoughtsOf("gpu", ...unsigned, text("x")), undefined);
  assert.equal(thoughtsOf("api.deepseek.com", ...unsigned, call), "ab");
  assert.equal(thoughtsOf("api.deepseek.com", call), "");
  assert.equal(thoughtsOf("api.deepseek.com", text("x")), undefined);
  for (const host of ["api.openai.com", "api.groq.com", "api.mistral.ai"])
    assert.equal(thoughtsOf(host, ...unsigned, call), undefined);
});

test("instructions are one message, and one string", () => {
  assert.deepEqual(write({ system: [text("a"), text("b")] }).body["messages"], [{ role: "system", content: "a\n\nb" }]);
});

test("what the API can't hold is refused by name", () => {
  const source = { kind: "url", url: "https://a.b/c.pdf", mediaType: undefined } as const;
  const flac = { kind: "base64", mediaType: "audio/flac", data: "AAEC" } as const;
  const { losses } = write({
    messages: [
      {
        role: "user",
        parts: [
          { kind: "document", source },
          { kind: "audio", source: flac },
        ],
      },
      { role: "assistant", parts: [image] },
    ],
  });
  assert.deepEqual(
    losses.map(({ field, essential }) => [field, essential]),
    [
      ["messages[0].parts[0]", true],
      ["messages[0].parts[1]", true],
      ["messages[1].parts[0]", true],
    ],
  );
});

test("media types that are named as what every object inherits have no ending and no format", () => {
  for (const mediaType of ["constructor", "__proto__", "toString"]) {
    const source = { kind: "base64", mediaType, data: "AAEC" } as const;
    const parts = [
      { kind: "document", source },
      { kind: "audio", source },
    ] as const;
    const { body, losses } = write({ messages: [{ role: "user", parts }] });
    assert.match(JSON.stringify(body), /"filename":"document.bin"/);
    assert.deepEqual(
      losses.map(({ field }) => field),
      ["messages[0].parts[1]"],
    );
  }
});

test("a choice of one tool names it, one among several leaves the others out", () => {
  const tools = ["a", "b", "c"].map((name) => ({ name, description: undefined, parameters: undefined }));
  const choose = (...names: string[]): Readonly<Record<string, unknown>> =>
    write({ tools, toolChoice: { kind: "named", names } }).body;
  assert.deepEqual(choose("b")["tool_choice"], { type: "function", function: { name: "b" } });
  assert.equal((choose("b")["tools"] as unknown[]).length, 3);
  assert.equal(choose("a", "c")["tool_choice"], "required");
  assert.deepEqual(
    (choose("a", "c")["tools"] as { function: { name: string } }[]).map((tool) => tool.function.name),
    ["a", "c"],
  );
});

test("without tools nothing is said of choosing among them", () => {
  const { body } = write({ toolChoice: { kind: "none" }, parallelToolCalls: false });
  assert.deepEqual(Object.keys(body), ["model", "messages"]);
});

test("that a tool must be called where there is none is lost by name", () => {
  for (const toolChoice of [{ kind: "required" }, { kind: "named", names: ["f"] }] as const) {
    const { losses } = write({ toolChoice });
    assert.deepEqual(
      losses.map(({ field }) => field),
      ["toolChoice"],
    );
  }
});

test("a budget of thought becomes an effort", () => {
  assert.equal(write({ reasoning: { budgetTokens: 8192 } }).body["reasoning_effort"], "medium");
  assert.equal(write({ reasoning: { visible: true } }).body["reasoning_effort"], undefined);
});

test("a schema without a name gets one", () => {
  const outputFormat = { kind: "schema", schema: { type: "object" }, name: undefined } as const;
  assert.deepEqual(write({ outputFormat }).body["response_format"], {
    type: "json_schema",
    json_schema: { name: "response", schema: { type: "object" } },
  });
});

test("the limit of the output has the name that the server or the model knows", () => {
  const field = (host: string, model: string): string =>
    Object.keys(write({ model, maxTokens: 5 }, host).body).find((key) => key.startsWith("max_"))!;
  assert.equal(field("api.openai.com", "gpt-4o"), "max_completion_tokens");
  assert.equal(field("mine.openai.azure.com", "any"), "max_completion_tokens");
  assert.equal(field("10.0.0.1", "llama-3"), "max_tokens");
  assert.equal(field("10.0.0.1", "openai/gpt-5-mini"), "max_completion_tokens");
  assert.equal(field("10.0.0.1", "o3"), "max_completion_tokens");
  assert.equal(field("api.mistral.ai", "mistral-large"), "max_tokens");
});

test("Mistral gets its own names, ids of nine characters that agree, and no field that it refuses", () => {
  const messages: Message[] = [
    { role: "assistant", parts: [{ kind: "tool_call", id: "toolu_01ABC", name: "f", arguments: "{}" }] },
    { role: "user", parts: [{ kind: "tool_result", id: "toolu_01ABC", name: "f", content: [], isError: false }] },
  ];
  const { body, losses } = write(
    { messages, stream: true, seed: 5, userId: "u", topK: 3, logprobs: { top: 1 } },
    "api.mistral.ai",
  );
  assert.deepEqual(Object.keys(body), ["model", "messages", "random_seed", "stream"]);
  assert.deepEqual(
    losses.map(({ field, essential, warning }) => [field, essential, warning]),
    [
      ["topK", undefined, undefined],
      ["logprobs", undefined, undefined],
      ["userId", undefined, true],
    ],
  );
  const [call, result] = body["messages"] as [{ tool_calls: { id: string }[] }, { tool_call_id: string }];
  assert.match(call.tool_calls[0]!.id, /^[a-z0-9]{9}$/);
  assert.equal(result.tool_call_id, call.tool_calls[0]!.id);
});

test("ids that are too long for OpenAI are shortened, the same way for call and result, and told apart", () => {
  // Around the limit of forty, and far from it.
  const ids = fc.oneof(fc.string({ maxLength: 80 }), fc.string({ minLength: 38, maxLength: 43 }));
  const idOf = (id: string): string => {
    const parts = [{ kind: "tool_result", id, name: "f", content: [], isError: false }] as const;
    return (messagesOf([{ role: "user", parts }]) as { tool_call_id: string }[])[0]!.tool_call_id;
  };
  fc.assert(
    fc.property(ids, ids, (one, other) => {
      assert.ok(idOf(one).length > 0 && idOf(one).length <= 40);
      assert.equal(idOf(one), idOf(one));
      if (one !== other) assert.notEqual(idOf(one), idOf(other));
      if (one.length > 0 && one.length <= 40) assert.equal(idOf(one), one);
    }),
  );
});

test("cache marks are written where the server and the model take them", () => {
  const cache = { ttl: "1h" } as const;
  const messages: Message[] = [{ role: "user", parts: [{ ...text("x"), cache }] }];
  const markOf = (host: string, model: string): unknown => {
    const [message] = write({ model, messages }, host).body["messages"] as { content: unknown }[];
    return message!.content;
  };
  assert.equal(markOf("10.0.0.1", "llama"), "x");
  assert.equal(markOf("api.openai.com", "gpt-5.5"), "x");
  const breakpoint = [{ type: "text", text: "x", prompt_cache_breakpoint: { mode: "explicit" } }];
  assert.deepEqual(markOf("api.openai.com", "gpt-5.6-mini"), breakpoint);
  assert.deepEqual(markOf("api.openai.com", "gpt-6"), breakpoint);
  assert.deepEqual(markOf("openrouter.ai", "anthropic/claude"), [
    { type: "text", text: "x", cache_control: { type: "ephemeral", ttl: "1h" } },
  ]);
});

test("a server is known by its host, not by what its host's name holds", () => {
  assert.equal(quirksOf("evil-api.openai.com.example"), USUAL_QUIRKS);
  assert.equal(quirksOf("xapi.openai.com"), USUAL_QUIRKS);
  assert.notEqual(quirksOf("eu.api.openai.com"), USUAL_QUIRKS);
  assert.equal(openaiChatBackAt("10.0.0.1"), openaiChatBack);
  assert.equal(openaiChatBackAt("api.mistral.ai"), openaiChatBackAt("api.mistral.ai"));
});

test("every call's result follows it before anything else is said, in any conversation", () => {
  fc.assert(
    fc.property(commonRequests, (request) => {
      const { body } = writeRequest(request, USUAL_QUIRKS);
      const open = new Set<string>();
      for (const message of body["messages"] as {
        role: string;
        tool_call_id?: string;
        tool_calls?: { id: string }[];
      }[]) {
        if (message.role === "tool") assert.ok(open.delete(message.tool_call_id!));
        else assert.equal(open.size, 0);
        for (const { id } of message.tool_calls ?? []) open.add(id);
      }
    }),
    { numRuns: 100 },
  );
});
