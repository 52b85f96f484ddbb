/** Holds the table of fields to the code: each row's field is sent, and becomes what the row says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { GEMINI_FIELDS } from "../../../../../src/dialects/translate/gemini/fields.ts";
import type { FieldRow } from "../../../../../src/dialects/translate/field-row.ts";
import { readRequest } from "../../../../../src/dialects/translate/gemini/read-request.ts";

type Json = Readonly<Record<string, unknown>>;

const ask = (...parts: readonly Json[]): Json => ({ contents: [{ role: "user", parts: [{ text: "x" }, ...parts] }] });
const answer = (part: Json): Json => ({ contents: [{ role: "model", parts: [part] }] });
const config = (generationConfig: Json): Json => ({ ...ask(), generationConfig });
const declare = (more: Json): Json => ({ ...ask(), tools: [{ functionDeclarations: [{ name: "f", ...more }] }] });
const choose = (functionCallingConfig: Json): Json => ({ ...declare({}), toolConfig: { functionCallingConfig } });
const picture = { inlineData: { mimeType: "image/png", data: "AAAA" } };
const called = { functionCall: { name: "f", args: {} } };

/** For fields that need others beside them, or another value than `{ a: 1 }`: without the field, and with it. */
const PAIRS: Readonly<Record<string, readonly [Json, Json]>> = {
  contents: [ask(), ask({ text: "y" })],
  "contents[].role": [ask(), answer({ text: "x" })],
  "contents[].parts[].text": [ask(), ask({ text: "y" })],
  "contents[].parts[].thought": [answer({ text: "x" }), answer({ text: "x", thought: true })],
  "contents[].parts[].thoughtSignature": [answer({ text: "x" }), answer({ text: "x", thoughtSignature: "AAAA" })],
  "contents[].parts[].inlineData": [ask(), ask(picture)],
  "contents[].parts[].fileData": [
    ask(),
    ask({ fileData: { mimeType: "image/png", fileUri: "https://files.example/a" } }),
  ],
  "contents[].parts[].functionCall": [answer({ text: "x" }), answer(called)],
  "contents[].parts[].functionResponse": [
    answer(called),
    {
      contents: [
        { role: "model", parts: [called] },
        { role: "user", parts: [{ functionResponse: { name: "f", response: {} } }] },
      ],
    },
  ],
  "contents[].parts[].mediaResolution": [
    ask(picture),
    ask({ ...picture, mediaResolution: { level: "MEDIA_RESOLUTION_LOW" } }),
  ],
  systemInstruction: [ask(), { ...ask(), systemInstruction: { parts: [{ text: "y" }] } }],
  tools: [ask(), declare({})],
  "tools[].functionDeclarations[].name": [declare({}), declare({ name: "g" })],
  "tools[].functionDeclarations[].description": [declare({}), declare({ description: "d" })],
  "tools[].functionDeclarations[].parameters": [declare({}), declare({ parameters: { type: "OBJECT" } })],
  "tools[].functionDeclarations[].parametersJsonSchema": [
    declare({}),
    declare({ parametersJsonSchema: { type: "object" } }),
  ],
  "toolConfig.functionCallingConfig.mode": [declare({}), choose({ mode: "ANY" })],
  "toolConfig.functionCallingConfig.allowedFunctionNames": [
    choose({ mode: "ANY" }),
    choose({ mode: "ANY", allowedFunctionNames: ["f"] }),
  ],
  "generationConfig.stopSequences": [ask(), config({ stopSequences: ["x"] })],
  "generationConfig.responseMimeType": [ask(), config({ responseMimeType: "application/json" })],
  "generationConfig.responseSchema": [ask(), config({ responseSchema: { type: "OBJECT" } })],
  "generationConfig.responseJsonSchema": [ask(), config({ responseJsonSchema: { type: "object" } })],
  "generationConfig.responseModalities": [
    config({ responseModalities: ["TEXT"] }),
    config({ responseModalities: ["TEXT", "IMAGE"] }),
  ],
  "generationConfig.candidateCount": [config({ candidateCount: 1 }), config({ candidateCount: 2 })],
  "generationConfig.responseLogprobs": [ask(), config({ responseLogprobs: true })],
  "generationConfig.logprobs": [config({ responseLogprobs: true }), config({ responseLogprobs: true, logprobs: 3 })],
  "generationConfig.thinkingConfig.thinkingBudget": [ask(), config({ thinkingConfig: { thinkingBudget: 1024 } })],
  "generationConfig.thinkingConfig.thinkingLevel": [ask(), config({ thinkingConfig: { thinkingLevel: "LOW" } })],
  "generationConfig.thinkingConfig.includeThoughts": [ask(), config({ thinkingConfig: { includeThoughts: true } })],
  "generationConfig.mediaResolution": [
    ask(picture),
    { ...ask(picture), generationConfig: { mediaResolution: "MEDIA_RESOLUTION_HIGH" } },
  ],
};

/** Values that a row calls harmless. */
const HARMLESS: Readonly<Record<string, readonly unknown[]>> = {
  "contents[].parts[].videoMetadata": [{}],
  "contents[].parts[].partMetadata": [{}],
  "tools[].functionDeclarations[].behavior": ["BLOCKING", "unspecified"],
  safetySettings: [[], [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }]],
  "generationConfig.speechConfig": [{}],
  "generationConfig.imageConfig": [{}],
  "generationConfig.audioTimestamp": [false],
  "generationConfig.enableEnhancedCivicAnswers": [false],
  labels: [{}],
  serviceTier: ["standard", "UNSPECIFIED"],
  store: [false],
};

/** A small request with `value` at `field`. */
function requestWith(field: string, value: unknown): Json {
  const place = field.split(".").slice(0, -1).join(".");
  const key = field.split(".").at(-1)!;
  if (place === "") return { ...ask(), [key]: value };
  if (place === "contents[].parts[]") return ask({ text: "y", [key]: value });
  if (place === "tools[].functionDeclarations[]") return declare({ [key]: value });
  if (place === "tools[]") return { ...ask(), tools: [{ [key]: value }] };
  if (place === "toolConfig") return { ...ask(), toolConfig: { [key]: value } };
  if (place === "toolConfig.functionCallingConfig") return choose({ [key]: value });
  assert.equal(place, "generationConfig", field);
  return config({ [key]: value });
}

const numbers = /(?:maxOutputTokens|temperature|topP|topK|seed|presencePenalty|frequencyPenalty)$/;

function pairOf({ field }: FieldRow): readonly [Json, Json] {
  const pair = PAIRS[field];
  if (pair !== undefined) return pair;
  const place = field.split(".").slice(0, -1).join(".");
  const without =
    place === "contents[].parts[]" ? ask({ text: "y" }) : place.startsWith("tools[].f") ? declare({}) : ask();
  return [without, requestWith(field, numbers.test(field) ? 1 : { a: 1 })];
}

function read(body: Json): { request: unknown; losses: readonly { field: string; essential?: boolean }[] } {
  const result = readRequest(body, { model: "m" });
  assert.ok(result.ok, JSON.stringify(result));
  return result;
}

const pathOf = (field: string): RegExp =>
  new RegExp(`^${field.replaceAll(".", "\\.").replaceAll("[]", "\\[\\d+\\]")}$`);

for (const row of GEMINI_FIELDS) {
  test(`${row.field} is ${row.fate}`, () => {
    const [without, withIt] = pairOf(row);
    const before = read(without);
    const after = read(withIt);
    assert.deepEqual(before.losses, []);
    if (row.fate === "carried") {
      assert.deepEqual(after.losses, []);
      assert.notDeepEqual(after.request, before.request);
    } else if (row.fate === "harmless") assert.deepEqual(after.losses, []);
    else {
      assert.equal(after.losses.length, 1);
      assert.match(after.losses[0]!.field, pathOf(row.field));
      assert.equal(after.losses[0]!.essential ?? false, row.fate === "refused");
    }
    const values = HARMLESS[row.field];
    assert.equal(values !== undefined, row.harmlessWhen !== undefined);
    for (const value of values ?? []) assert.deepEqual(read(requestWith(row.field, value)).losses, []);
  });
}

test("a field that nobody knows is lost by its name", () => {
  assert.deepEqual(read({ ...ask(), novelty: 1 }).losses, [
    { field: "novelty", reason: "is no field that other APIs have" },
  ]);
});
