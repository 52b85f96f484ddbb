import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommonRequest, Reasoning, ToolCallPart } from "../../../../../src/dialects/translate/common.ts";
import { writeRequest } from "../../../../../src/dialects/translate/gemini/write-request.ts";
import { BARE_REQUEST } from "../../../../support/common-request.ts";

const plain: CommonRequest = {
  ...BARE_REQUEST,
  model: "gemini-3-flash-preview",
  messages: [{ role: "user", parts: [{ kind: "text", text: "hi" }] }],
};

const bodyOf = (more: Partial<CommonRequest>): Readonly<Record<string, unknown>> =>
  writeRequest({ ...plain, ...more }).body;
const lossesOf = (more: Partial<CommonRequest>): readonly string[] =>
  writeRequest({ ...plain, ...more }).losses.map(({ field }) => field);

test("the smallest request says nothing that was not said", () => {
  assert.deepEqual(writeRequest(plain), {
    path: "/models/gemini-3-flash-preview:generateContent",
    headers: [],
    body: { contents: [{ role: "user", parts: [{ text: "hi" }] }] },
    losses: [],
  });
  assert.equal(
    writeRequest({ ...plain, model: "models/a b", stream: true }).path,
    "/models/a%20b:streamGenerateContent?alt=sse",
  );
});

const call = (id: string, more: Partial<ToolCallPart> = {}): ToolCallPart => ({
  kind: "tool_call",
  id,
  name: "f",
  arguments: "{}",
  ...more,
});

test("results follow their calls at once and together, whatever else the user says between them", () => {
  const { contents } = bodyOf({
    messages: [
      { role: "assistant", parts: [call("1"), call("2", { name: "g" })] },
      { role: "user", parts: [{ kind: "text", text: "wait" }] },
      { role: "user", parts: [{ kind: "tool_result", id: "2", name: undefined, content: [], isError: true }] },
      {
        role: "user",
        parts: [
          { kind: "tool_result", id: "1", name: "f", content: [{ kind: "text", text: "ok" }], isError: false },
          { kind: "text", text: "and?" },
        ],
      },
    ],
  });
  assert.deepEqual((contents as readonly object[]).slice(1), [
    {
      role: "user",
      parts: [
        { functionResponse: { id: "2", name: "g", response: { error: "" } } },
        { functionResponse: { id: "1", name: "f", response: { output: "ok" } } },
      ],
    },
    { role: "user", parts: [{ text: "wait" }, { text: "and?" }] },
  ]);
});

test("other families' thoughts are left out, and a turn that had nothing else with them", () => {
  const { contents } = bodyOf({
    messages: [
      { role: "user", parts: [{ kind: "text", text: "a" }] },
      { role: "assistant", parts: [{ kind: "reasoning", text: "hm", signature: { family: "anthropic", data: "x" } }] },
      { role: "user", parts: [{ kind: "text", text: "b" }] },
      {
        role: "assistant",
        parts: [
          { kind: "reasoning", text: "hm" },
          { kind: "text", text: "c" },
        ],
      },
    ],
  });
  assert.deepEqual(contents, [
    { role: "user", parts: [{ text: "a" }, { text: "b" }] },
    { role: "model", parts: [{ text: "c" }] },
  ]);
});

test("Gemini 3 is given a stand-in for the signature of a turn's first call, and no other model is", () => {
  const messages: CommonRequest["messages"] = [
    { role: "assistant", parts: [{ kind: "text", text: "a" }, call("1"), call("2")] },
    { role: "user", parts: [{ kind: "text", text: "b" }] },
    { role: "assistant", parts: [call("3", { signature: { family: "gemini", data: "AAAA" } })] },
    { role: "user", parts: [{ kind: "text", text: "c" }] },
    { role: "assistant", parts: [call("4", { signature: { family: "openai", data: "foreign" } })] },
  ];
  const signatures = (model: string): unknown =>
    (bodyOf({ model, messages })["contents"] as readonly { parts: readonly Record<string, unknown>[] }[])
      .flatMap(({ parts }) => parts)
      .filter((part) => "functionCall" in part)
      .map((part) => part["thoughtSignature"]);
  const standIn = "skip_thought_signature_validator";
  assert.deepEqual(signatures("gemini-3-pro-preview"), [standIn, undefined, "AAAA", standIn]);
  assert.deepEqual(signatures("gemini-flash-latest"), [standIn, undefined, "AAAA", standIn]);
  assert.deepEqual(signatures("gemini-2.5-pro"), [undefined, undefined, "AAAA", undefined]);
});

test("how much to think is a level for Gemini 3 and a budget for 2.5, within what the model takes", () => {
  const thinking = (model: string, reasoning: Reasoning): unknown => {
    const { body, losses } = writeRequest({ ...plain, model, reasoning });
    const config = (body["generationConfig"] as Record<string, unknown> | undefined)?.["thinkingConfig"];
    return losses.length > 0 ? [config, losses.length] : config;
  };
  assert.deepEqual(thinking("gemini-3-flash-preview", { effort: "none" }), { thinkingLevel: "MINIMAL" });
  assert.deepEqual(thinking("gemini-3-flash-preview", { effort: "xhigh" }), { thinkingLevel: "HIGH" });
  assert.deepEqual(thinking("gemini-3-flash-preview", { effort: "max" }), { thinkingLevel: "HIGH" });
  assert.deepEqual(thinking("gemini-3-flash-preview", { budgetTokens: 8000 }), { thinkingLevel: "MEDIUM" });
  assert.deepEqual(thinking("gemini-3-pro-preview", { effort: "medium" }), { thinkingLevel: "HIGH" });
  assert.deepEqual(thinking("gemini-3.1-pro-preview", { effort: "minimal" }), { thinkingLevel: "LOW" });
  assert.deepEqual(thinking("gemini-3.1-pro-preview", { effort: "none" }), [{ thinkingLevel: "LOW" }, 1]);
  assert.deepEqual(thinking("gemini-2.5-flash", { effort: "none" }), { thinkingBudget: 0 });
  assert.deepEqual(thinking("gemini-2.5-flash", { effort: "low", visible: true }), {
    thinkingBudget: 1024,
    includeThoughts: true,
  });
  assert.deepEqual(thinking("gemini-2.5-flash", { budgetTokens: 64_000 }), { thinkingBudget: 24_576 });
  assert.deepEqual(thinking("gemini-2.5-flash-lite", { budgetTokens: 10 }), { thinkingBudget: 512 });
  assert.deepEqual(thinking("gemini-2.5-pro", { effort: "none" }), [{ thinkingBudget: 128 }, 1]);
  assert.deepEqual(thinking("gemini-2.0-flash", { effort: "none" }), undefined);
  assert.deepEqual(thinking("gemini-2.0-flash", { effort: "low" }), [undefined, 1]);
  assert.deepEqual(thinking("gemini-2.5-pro", {}), undefined);
});

test("pictures in a result stand within it for Gemini 3, beside it for older models", () => {
  const messages: CommonRequest["messages"] = [
    { role: "assistant", parts: [call("1")] },
    {
      role: "user",
      parts: [
        {
          kind: "tool_result",
          id: "1",
          name: "f",
          content: [{ kind: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } }],
          isError: false,
        },
      ],
    },
  ];
  const picture = { inlineData: { mimeType: "image/png", data: "AAAA" } };
  const functionResponse = { id: "1", name: "f", response: { output: "" } };
  const after = (model: string): unknown => (bodyOf({ model, messages })["contents"] as readonly object[]).slice(1);
  assert.deepEqual(after("gemini-3-pro-preview"), [
    { role: "user", parts: [{ functionResponse: { ...functionResponse, parts: [picture] } }] },
  ]);
  assert.deepEqual(after("gemini-2.5-pro"), [
    { role: "user", parts: [{ functionResponse }] },
    { role: "user", parts: [picture] },
  ]);
});

test("very many messages of one role cost no more than each of them", () => {
  const messages = Array.from({ length: 20_000 }, () => plain.messages[0]!);
  const before = process.cpuUsage();
  const contents = bodyOf({ messages })["contents"] as readonly { readonly parts: readonly object[] }[];
  const { user, system } = process.cpuUsage(before);
  assert.deepEqual([contents.length, contents[0]!.parts.length, messages[0]!.parts.length], [1, 20_000, 1]);
  assert.ok(user + system < 500_000, `${user + system} µs`);
});

test("a strict function makes Gemini keep to the schema; a choice without tools is not said", () => {
  const tools = [{ name: "f", description: undefined, parameters: { type: "object" }, strict: true }];
  const configOf = (more: Partial<CommonRequest>): unknown => bodyOf(more)["toolConfig"];
  const calling = (functionCallingConfig: object): object => ({ functionCallingConfig });
  assert.deepEqual(configOf({ tools }), calling({ mode: "VALIDATED" }));
  assert.deepEqual(configOf({ tools, toolChoice: { kind: "auto" } }), calling({ mode: "VALIDATED" }));
  assert.deepEqual(configOf({ tools, toolChoice: { kind: "required" } }), calling({ mode: "ANY" }));
  assert.deepEqual(
    configOf({ tools, toolChoice: { kind: "named", names: ["f"] } }),
    calling({ mode: "ANY", allowedFunctionNames: ["f"] }),
  );
  assert.deepEqual(configOf({ toolChoice: { kind: "none" } }), undefined);
});

test("that a tool must be called where there is none is lost by name", () => {
  for (const toolChoice of [{ kind: "required" }, { kind: "named", names: ["f"] }] as const) {
    assert.deepEqual([lossesOf({ toolChoice }), bodyOf({ toolChoice })["toolConfig"]], [["toolChoice"], undefined]);
  }
  assert.deepEqual(lossesOf({ toolChoice: { kind: "none" } }), []);
});

test("an address has its type: its sender's, its name's, or the likeliest", () => {
  const [content] = bodyOf({
    messages: [
      {
        role: "user",
        parts: [
          { kind: "image", source: { kind: "url", url: "https://files.example/a.webp?x=1", mediaType: undefined } },
          { kind: "image", source: { kind: "url", url: "https://files.example/a", mediaType: undefined } },
          {
            kind: "document",
            name: "a",
            source: { kind: "url", url: "https://files.example/b", mediaType: "text/csv" },
          },
        ],
      },
    ],
  })["contents"] as readonly { parts: readonly { fileData: object }[] }[];
  assert.deepEqual(
    content!.parts.map(({ fileData }) => fileData),
    [
      { mimeType: "image/webp", fileUri: "https://files.example/a.webp?x=1" },
      { mimeType: "image/jpeg", fileUri: "https://files.example/a" },
      { mimeType: "text/csv", fileUri: "https://files.example/b" },
    ],
  );
});

test("a file's name, for which Google AI refuses a request, stays here, and is told without a refusal", () => {
  const source = { kind: "base64", mediaType: "application/pdf", data: "AAAA" } as const;
  const named = { kind: "document", name: "a.pdf", source } as const;
  const result = { kind: "tool_result", id: "1", name: "f", content: [named], isError: false } as const;
  const { body, losses } = writeRequest({
    ...plain,
    messages: [
      { role: "assistant", parts: [call("1")] },
      { role: "user", parts: [result, { ...named }, { kind: "document", source }] },
    ],
  });
  assert.doesNotMatch(JSON.stringify(body), /a\.pdf|displayName/);
  assert.deepEqual(
    losses.map(({ field, warning }) => [field, warning]),
    [
      ["messages[1].parts[0].content[0].name", true],
      ["messages[1].parts[1].name", true],
    ],
  );
});

test("what Gemini has no place for is named", () => {
  const tools = [{ name: "f", description: undefined, parameters: undefined }];
  assert.deepEqual(lossesOf({ userId: "u", seed: 2 ** 40, stop: ["1", "2", "3", "4", "5", "6"] }), [
    "stop",
    "seed",
    "userId",
  ]);
  assert.deepEqual(lossesOf({ tools, parallelToolCalls: false }), ["parallelToolCalls"]);
  assert.deepEqual(lossesOf({ tools, parallelToolCalls: true }), []);
  const source = { kind: "url", url: "https://files.example/a.png", mediaType: undefined } as const;
  const pictures = (...details: readonly ("low" | "high" | undefined)[]): Partial<CommonRequest> => ({
    messages: [
      {
        role: "user",
        parts: details.map((detail) => Object.assign({ kind: "image" as const, source }, detail && { detail })),
      },
    ],
  });
  assert.deepEqual(lossesOf(pictures("low", "high")), ["messages[0].parts[0].detail", "messages[0].parts[1].detail"]);
  assert.deepEqual(lossesOf(pictures(undefined, "high")), ["messages[0].parts[1].detail"]);
  assert.deepEqual(bodyOf(pictures("low", "low"))["generationConfig"], { mediaResolution: "MEDIA_RESOLUTION_LOW" });
  const { losses } = writeRequest({
    ...plain,
    messages: [{ role: "assistant", parts: [call("1", { arguments: "[1]" })] }],
  });
  assert.deepEqual(
    losses.map(({ field, essential }) => [field, essential]),
    [["messages[0].parts[0].arguments", true]],
  );
});

test("a schema's description reaches the model", () => {
  const outputFormat = { kind: "schema", schema: { type: "object" }, name: "n", description: "a row" } as const;
  assert.deepEqual(bodyOf({ outputFormat })["generationConfig"], {
    responseMimeType: "application/json",
    responseJsonSchema: { type: "object", description: "a row" },
  });
});
