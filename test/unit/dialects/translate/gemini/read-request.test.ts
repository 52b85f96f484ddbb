import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommonRequest } from "../../../../../src/dialects/translate/common.ts";
import { readRequest } from "../../../../../src/dialects/translate/gemini/read-request.ts";

function read(body: unknown): CommonRequest {
  const result = readRequest(body, { model: "m", stream: true });
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(result.losses, []);
  return result.request;
}

function faultOf(body: unknown): unknown {
  const result = readRequest(body, { model: "m" });
  return result.ok ? undefined : result.fault;
}

const user = (...parts: readonly object[]): object => ({ role: "user", parts });
const model = (...parts: readonly object[]): object => ({ role: "model", parts });

test("takes Google's other spellings: snake_case, one element for a list, numbers as strings", () => {
  const request = read({
    system_instruction: { parts: { text: "be brief" } },
    contents: { parts: [{ text: "hi" }, { inline_data: { mime_type: "image/png", data: "-_8" } }] },
    generation_config: {
      max_output_tokens: "10",
      top_k: 3,
      stop_sequences: "x",
      thinking_config: { thinking_level: "low" },
    },
    tools: { function_declarations: { name: "f", parameters_json_schema: { type: "object", a_b: 1 } } },
  });
  assert.deepEqual(request.system, [{ kind: "text", text: "be brief" }]);
  assert.deepEqual(request.messages, [
    {
      role: "user",
      parts: [
        { kind: "text", text: "hi" },
        { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "+/8=" } },
      ],
    },
  ]);
  assert.deepEqual([request.maxTokens, request.topK, request.stop], [10, 3, ["x"]]);
  assert.deepEqual(request.reasoning, { effort: "low" });
  // What is inside a schema is the caller's own.
  assert.deepEqual(request.tools, [{ name: "f", description: undefined, parameters: { type: "object", a_b: 1 } }]);
});

test("gives calls without an id one that stays the same, and finds the call of each result by name and order", () => {
  const contents = [
    user({ text: "hi" }),
    model(
      { functionCall: { name: "f", args: { a: 1 } } },
      { functionCall: { name: "g" } },
      { functionCall: { name: "f" } },
    ),
    user(
      { functionResponse: { name: "f", response: { output: "first" } } },
      { functionResponse: { name: "f", response: { error: "second" } } },
      { functionResponse: { name: "g", response: { rows: [1] } } },
    ),
  ];
  const request = read({ contents });
  const calls = request.messages[1]!.parts.map((part) => (part.kind === "tool_call" ? part.id : ""));
  assert.equal(new Set(calls).size, 3);
  for (const id of calls) assert.match(id, /^[a-zA-Z0-9_-]+$/);
  assert.deepEqual(request.messages[2]!.parts, [
    { kind: "tool_result", id: calls[0], name: "f", content: [{ kind: "text", text: "first" }], isError: false },
    { kind: "tool_result", id: calls[2], name: "f", content: [{ kind: "text", text: "second" }], isError: true },
    { kind: "tool_result", id: calls[1], name: "g", content: [{ kind: "text", text: '{"rows":[1]}' }], isError: false },
  ]);
  const later = read({ contents: [...contents, model({ text: "ok" }), user({ text: "and?" })] });
  assert.deepEqual(later.messages.slice(0, 3), request.messages);
});

test("matches results by id where there is one, whatever their order", () => {
  const request = read({
    contents: [
      model({ functionCall: { id: "1", name: "f" } }, { functionCall: { id: "2", name: "f" } }),
      user(
        { functionResponse: { id: "2", name: "f", response: { output: "b" } } },
        // Vercel's SDK puts the function's name into its result.
        { functionResponse: { id: "1", name: "f", response: { name: "f", content: "a" } } },
      ),
    ],
  });
  assert.deepEqual(
    request.messages[1]!.parts.map((part) => (part.kind === "tool_result" ? [part.id, part.content] : [])),
    [
      ["2", [{ kind: "text", text: "b" }]],
      ["1", [{ kind: "text", text: "a" }]],
    ],
  );
});

test("results may come with the role that Google's Python SDK, or the API's first version, gives them", () => {
  for (const role of ["tool", "function"]) {
    const { messages } = read({
      contents: [
        model({ functionCall: { name: "f", args: {} } }),
        { role, parts: [{ functionResponse: { name: "f", response: { output: "x" } } }] },
      ],
    });
    assert.partialDeepStrictEqual(messages[1], { role: "user", parts: [{ kind: "tool_result", name: "f" }] });
  }
});

test("a result may hold pictures", () => {
  const request = read({
    contents: [
      model({ functionCall: { name: "f" } }),
      user({
        functionResponse: {
          name: "f",
          response: { output: "" },
          parts: [{ inlineData: { mimeType: "image/png", data: "AAAA" } }],
        },
      }),
    ],
  });
  const [result] = request.messages[1]!.parts;
  assert.deepEqual(result?.kind === "tool_result" && result.content, [
    { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
  ]);
});

test("the pieces of a streamed turn, given back, are one text and one thought with its signature", () => {
  const request = read({
    contents: [
      model(
        { text: "so ", thought: true },
        { text: "so", thought: true },
        { text: "an", thoughtSignature: "AAAA" },
        { text: "swer" },
        { text: "", thoughtSignature: "BBBB" },
      ),
    ],
  });
  assert.deepEqual(request.messages[0]!.parts, [
    { kind: "reasoning", text: "so so", signature: { family: "gemini", data: "AAAA" } },
    { kind: "text", text: "answer" },
    { kind: "reasoning", text: "", signature: { family: "gemini", data: "BBBB" } },
  ]);
});

test("a thought that another family keeps to itself is no signature of the thoughts before it", () => {
  const envelope = Buffer.from("hw1.anthropic.redacted.secret").toString("base64");
  for (const thoughtSignature of [envelope, envelope.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")]) {
    const request = read({
      contents: [model({ text: "hm", thought: true }, { text: "", thought: true, thoughtSignature }, { text: "so" })],
    });
    assert.deepEqual(request.messages[0]!.parts, [
      { kind: "reasoning", text: "hm" },
      { kind: "reasoning", text: "", signature: { family: "anthropic", data: "secret", redacted: true } },
      { kind: "text", text: "so" },
    ]);
  }
});

test("reads the older form of a schema as JSON Schema", () => {
  const { tools, outputFormat } = read({
    contents: [user({ text: "hi" })],
    tools: [
      {
        functionDeclarations: [
          {
            name: "f",
            parameters: {
              type: "OBJECT",
              properties: {
                // A property may have the name of a keyword.
                type: { type: "STRING", nullable: true, format: "enum", enum: ["A"] },
                items: { type: "ARRAY", minItems: "1", items: { type: "INTEGER", format: "int32" } },
              },
              propertyOrdering: ["items", "type"],
              required: ["items"],
            },
          },
        ],
      },
    ],
    generationConfig: {
      responseMimeType: "application/json",
      responseSchema: { anyOf: [{ type: "NUMBER" }, { type: "TYPE_UNSPECIFIED", nullable: true }], nullable: true },
    },
  });
  assert.equal(
    JSON.stringify(tools[0]!.parameters),
    JSON.stringify({
      type: "object",
      properties: {
        items: { type: "array", minItems: 1, items: { type: "integer", format: "int32" } },
        type: { type: ["string", "null"], enum: ["A", null] },
      },
      required: ["items"],
    }),
  );
  assert.deepEqual(outputFormat, {
    kind: "schema",
    schema: { anyOf: [{ type: "number" }, {}, { type: "null" }] },
    name: undefined,
  });
});

test("reads how a model may choose its tools", () => {
  const choice = (functionCallingConfig: object): unknown => {
    const request = read({
      contents: [user({ text: "hi" })],
      tools: [{ functionDeclarations: [{ name: "f" }, { name: "g" }] }],
      toolConfig: { functionCallingConfig },
    });
    return [request.toolChoice, request.tools.map(({ name, strict }) => (strict === true ? `${name}!` : name))];
  };
  assert.deepEqual(choice({ mode: "AUTO" }), [{ kind: "auto" }, ["f", "g"]]);
  assert.deepEqual(choice({ mode: "none" }), [{ kind: "none" }, ["f", "g"]]);
  assert.deepEqual(choice({ mode: "ANY" }), [{ kind: "required" }, ["f", "g"]]);
  assert.deepEqual(choice({ mode: "ANY", allowedFunctionNames: ["f"] }), [{ kind: "named", names: ["f"] }, ["f", "g"]]);
  assert.deepEqual(choice({ mode: "VALIDATED" }), [{ kind: "auto" }, ["f!", "g!"]]);
  assert.deepEqual(choice({ mode: "VALIDATED", allowedFunctionNames: ["g"] }), [{ kind: "auto" }, ["g!"]]);
  assert.deepEqual(choice({ mode: "MODE_UNSPECIFIED" }), [undefined, ["f", "g"]]);
});

test("reads how much a model may think", () => {
  const thinking = (thinkingConfig: object): unknown =>
    read({ contents: [user({ text: "hi" })], generationConfig: { thinkingConfig } }).reasoning;
  assert.deepEqual(thinking({ thinkingBudget: 0 }), { effort: "none" });
  assert.deepEqual(thinking({ thinkingBudget: -1, includeThoughts: true }), { visible: true });
  assert.deepEqual(thinking({ thinkingBudget: 2000 }), { budgetTokens: 2000 });
  assert.deepEqual(thinking({ thinkingLevel: "HIGH" }), { effort: "high" });
  assert.deepEqual(thinking({ thinkingLevel: "THINKING_LEVEL_UNSPECIFIED" }), {});
});

test("refuses what only Google can read, by its path", () => {
  const lossesOf = (part: object): unknown => {
    const result = readRequest({ contents: [user({ text: "x" }, part)] }, { model: "m" });
    return result.ok && result.losses.map(({ field, essential }) => [field, essential]);
  };
  const file = (fileUri: string, mimeType?: string): object => ({ fileData: { fileUri, mimeType } });
  const path = "contents[0].parts[1].fileData";
  for (const uri of [
    "https://generativelanguage.googleapis.com/v1beta/files/abc",
    "gs://bucket/a.png",
    "https://www.youtube.com/watch?v=1",
    "https://youtu.be/1",
  ]) {
    assert.deepEqual(lossesOf(file(uri, "image/png")), [[`${path}.fileUri`, true]], uri);
  }
  assert.deepEqual(lossesOf(file("https://files.example/a.mp4")), [[`${path}.mimeType`, true]]);
  assert.deepEqual(lossesOf(file("https://files.example/a.pdf?x=1")), []);
  assert.deepEqual(lossesOf(file("https://storage.googleapis.com/bucket/a.png")), []);
  assert.deepEqual(lossesOf(file("https://bucket.storage.googleapis.com/a.png")), []);
  assert.deepEqual(lossesOf(file("https://files.example/googleapis.com/a.pdf")), []);
});

test("says what is wrong with a request, and where", () => {
  const field = (body: unknown): unknown => (faultOf(body) as { field: string } | undefined)?.field;
  assert.equal(field([]), "");
  assert.equal(field({}), "contents");
  assert.equal(field({ contents: [{ role: "system", parts: [] }] }), "contents[0].role");
  assert.equal(field({ contents: [user({})] }), "contents[0].parts[0].functionResponse");
  assert.equal(field({ contents: [user({ text: 1 })] }), "contents[0].parts[0].text");
  assert.equal(field({ contents: [user({ functionCall: { name: "f" } })] }), "contents[0].parts[0].functionCall");
  assert.equal(
    field({ contents: [model({ functionResponse: { name: "f" } })] }),
    "contents[0].parts[0].functionResponse",
  );
  assert.equal(
    field({ contents: [user({ functionResponse: { name: "f" } })] }),
    "contents[0].parts[0].functionResponse.name",
  );
  assert.equal(
    field({ contents: [user({ inlineData: { mimeType: "image/png", data: "?" } })] }),
    "contents[0].parts[0].inlineData.data",
  );
  const config = (generationConfig: object): object => ({ contents: [user({ text: "x" })], generationConfig });
  assert.equal(field(config({ maxOutputTokens: 0.5 })), "generationConfig.maxOutputTokens");
  assert.equal(field(config({ temperature: "hot" })), "generationConfig.temperature");
  assert.equal(
    field(config({ thinkingConfig: { thinkingLevel: "MAX" } })),
    "generationConfig.thinkingConfig.thinkingLevel",
  );
  assert.equal(
    field({
      contents: [user({ text: "x" })],
      toolConfig: { functionCallingConfig: { mode: "AUTO", allowedFunctionNames: ["f"] } },
    }),
    "toolConfig.functionCallingConfig.allowedFunctionNames",
  );
});

test("the body names the model where the path does not", () => {
  const result = readRequest({ model: "models/x", contents: [user({ text: "hi" })] }, {});
  assert.ok(result.ok);
  assert.deepEqual([result.request.model, result.request.stream], ["x", false]);
});
