import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommonRequest } from "../../../../../src/dialects/translate/common.ts";
import { read, readWhole } from "./readings.ts";

const inputOf = (...input: object[]): CommonRequest => read({ input });

test("instructions come first, then the system and developer messages at the beginning", () => {
  const { system, messages } = read({
    instructions: "one",
    input: [
      { role: "developer", content: "two" },
      { type: "message", role: "system", content: [{ type: "input_text", text: "three" }] },
      { role: "user", content: "Hi" },
    ],
  });
  assert.deepEqual(
    system.map(({ text }) => text),
    ["one", "two", "three"],
  );
  assert.equal(messages.length, 1);
});

test("a system message in the middle moves to the beginning, and that is said", () => {
  const { request, losses } = readWhole({
    model: "m",
    input: [
      { role: "user", content: "Hi" },
      { role: "developer", content: "Be brief." },
    ],
  });
  assert.deepEqual(request.system, [{ kind: "text", text: "Be brief." }]);
  assert.deepEqual(
    losses.map(({ field, essential }) => [field, essential]),
    [["input[1].role", undefined]],
  );
});

test("images, files and sound are told apart, whatever their base64 looks like", () => {
  const { messages } = inputOf({
    role: "user",
    content: [
      { type: "input_image", image_url: "https://example.com/a.png", detail: "low" },
      { type: "input_image", image_url: "data:image/webp;base64,_-8" },
      { type: "input_file", file_data: "data:application/pdf;base64,AAAA", filename: "a.pdf" },
      { type: "input_file", file_data: "AAAA", filename: "notes.txt" },
      { type: "input_file", file_data: "JVBERi0x" },
      { type: "input_file", file_url: "https://example.com/b.pdf" },
      { type: "input_file", file_data: "data:image/png;base64,AAAA" },
      { type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } },
      { type: "input_text", text: "x", prompt_cache_breakpoint: { mode: "explicit" } },
    ],
  });
  assert.deepEqual(messages[0]!.parts, [
    { kind: "image", source: { kind: "url", url: "https://example.com/a.png", mediaType: undefined }, detail: "low" },
    { kind: "image", source: { kind: "base64", mediaType: "image/webp", data: "/+8=" } },
    { kind: "document", source: { kind: "base64", mediaType: "application/pdf", data: "AAAA" }, name: "a.pdf" },
    { kind: "document", source: { kind: "base64", mediaType: "text/plain", data: "AAAA" }, name: "notes.txt" },
    { kind: "document", source: { kind: "base64", mediaType: "application/pdf", data: "JVBERi0x" } },
    { kind: "document", source: { kind: "url", url: "https://example.com/b.pdf", mediaType: undefined } },
    { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
    { kind: "audio", source: { kind: "base64", mediaType: "audio/mpeg", data: "AAAA" } },
    { kind: "text", text: "x", cache: { ttl: undefined } },
  ]);
});

test("what others have less of is carried as their most, and that is said", () => {
  const { request, losses } = readWhole({
    model: "m",
    input: [
      {
        role: "user",
        content: [
          { type: "input_image", image_url: "https://example.com/a.png", detail: "original" },
          { type: "input_file", file_url: "https://example.com/a.pdf", detail: "high" },
          { type: "input_text", text: "x", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } },
          { type: "input_text", text: "y", prompt_cache_breakpoint: { mode: "explicit", ttl: "30m" } },
        ],
      },
    ],
  });
  assert.partialDeepStrictEqual(request.messages[0]!.parts, [
    { detail: "high" },
    { kind: "document" },
    { cache: { ttl: "1h" } },
    { cache: { ttl: undefined } },
  ]);
  assert.deepEqual(
    losses.map(({ field, essential }) => [field, essential]),
    [
      ["input[0].content[0].detail", undefined],
      ["input[0].content[1].detail", undefined],
      ["input[0].content[2].prompt_cache_breakpoint.ttl", undefined],
    ],
  );
});

test("a conversation with thoughts, calls and results is read into turns", () => {
  const { messages } = inputOf(
    { role: "user", content: "Weather?" },
    { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Hm" }], encrypted_content: "gAAA" },
    {
      type: "message",
      id: "msg_1",
      status: "completed",
      role: "assistant",
      phase: "commentary",
      content: [{ type: "output_text", text: "Let me see.", annotations: [], logprobs: [] }],
    },
    { type: "function_call", id: "fc_1", call_id: "c1", name: "look", arguments: '{"at":1}', status: "completed" },
    { type: "function_call", call_id: "c2", name: "now", arguments: "" },
    { type: "function_call_output", call_id: "c2", output: "noon" },
    {
      type: "function_call_output",
      call_id: "c1",
      output: [
        { type: "input_text", text: "sun" },
        { type: "input_image", image_url: "data:image/png;base64,AAAA" },
      ],
    },
    { role: "user", content: "Thanks" },
    { role: "assistant", content: [{ type: "refusal", refusal: "No." }] },
  );
  assert.deepEqual(messages, [
    { role: "user", parts: [{ kind: "text", text: "Weather?" }] },
    {
      role: "assistant",
      parts: [
        { kind: "reasoning", text: "Hm", signature: { family: "openai", data: "gAAA" } },
        { kind: "text", text: "Let me see." },
        { kind: "tool_call", id: "c1", name: "look", arguments: '{"at":1}' },
        { kind: "tool_call", id: "c2", name: "now", arguments: "{}" },
      ],
    },
    {
      role: "user",
      parts: [
        { kind: "tool_result", id: "c2", name: "now", content: [{ kind: "text", text: "noon" }], isError: false },
        {
          kind: "tool_result",
          id: "c1",
          name: "look",
          content: [
            { kind: "text", text: "sun" },
            { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
          ],
          isError: false,
        },
        { kind: "text", text: "Thanks" },
      ],
    },
    { role: "assistant", parts: [{ kind: "refusal", text: "No." }] },
  ]);
});

test("a call's signature is read from the item before it, and from none of an earlier turn", () => {
  const carrier = { type: "reasoning", summary: [], encrypted_content: "hw1.gemini.call.c2ln" };
  const call = { type: "function_call", call_id: "c", name: "f", arguments: "{}" };
  const output = { type: "function_call_output", call_id: "c", output: "" };
  const calls = (...items: object[]): unknown[] =>
    inputOf(...items).messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.kind === "tool_call" ? [part.signature] : [])),
    );
  assert.deepEqual(calls(carrier, call, output), [{ family: "gemini", data: "c2ln" }]);
  assert.deepEqual(calls(carrier, call, call), [{ family: "gemini", data: "c2ln" }, undefined]);
  assert.deepEqual(calls(carrier, { role: "user", content: "x" }, call), [undefined]);
});

test("pictures that the model made come back with the type that their bytes tell", () => {
  const types = ["iVBORw0K", "/9j/AAAA", "R0lGODlh", "UklGRgAA"].map((result) => {
    const [message] = inputOf({ type: "image_generation_call", id: "ig", status: "completed", result }).messages;
    const [part] = message!.parts;
    return part?.kind === "image" && part.source.kind === "base64" ? part.source.mediaType : undefined;
  });
  assert.deepEqual(types, ["image/png", "image/jpeg", "image/gif", "image/webp"]);
  assert.deepEqual(inputOf({ type: "image_generation_call", id: "ig", status: "failed", result: null }).messages, []);
});

test("ten thousand small items are read in one go", { timeout: 5_000 }, () => {
  const input = Array.from({ length: 10_000 }, () => ({ role: "user", content: "x" }));
  assert.equal(read({ input }).messages[0]!.parts.length, 10_000);
});
