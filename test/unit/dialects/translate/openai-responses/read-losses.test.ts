import assert from "node:assert/strict";
import { test } from "node:test";
import { lossesOf } from "./readings.ts";

test("what only OpenAI holds is refused by name, however lenient the config is", () => {
  const refusals: [object, string][] = [
    [{ previous_response_id: "resp_1" }, "previous_response_id"],
    [{ conversation: "conv_1" }, "conversation"],
    [{ conversation: { id: "conv_1" } }, "conversation"],
    [{ prompt: { id: "pmpt_1" } }, "prompt"],
    [{ background: true }, "background"],
    [{ prompt_cache_options: { prewarm: true } }, "prompt_cache_options.prewarm"],
    [{ input: [{ type: "item_reference", id: "msg_1" }] }, "input[0]"],
    [{ input: [{ type: "compaction", encrypted_content: "x" }] }, "input[0]"],
    [{ input: [{ type: "web_search_call", id: "ws_1", status: "completed" }] }, "input[0]"],
    [
      { input: [{ role: "user", content: [{ type: "input_image", file_id: "file_1" }] }] },
      "input[0].content[0].file_id",
    ],
    [
      { input: [{ role: "user", content: [{ type: "input_file", file_id: "file_1" }] }] },
      "input[0].content[0].file_id",
    ],
    [{ input: [{ role: "user", content: [{ type: "input_video" }] }] }, "input[0].content[0]"],
    [{ input: [{ role: "user", content: [{ type: "refusal", refusal: "no" }] }] }, "input[0].content"],
    [
      { input: [{ type: "function_call_output", call_id: "c", output: [{ type: "input_file", file_id: "f" }] }] },
      "input[0].output[0].file_id",
    ],
    [{ tools: [{ type: "web_search" }] }, "tools[0].type"],
    [{ tools: [{ type: "mcp", server_label: "x" }] }, "tools[0].type"],
    [{ tools: [{ type: "custom", name: "x" }] }, "tools[0].type"],
    [{ tool_choice: { type: "file_search" } }, "tool_choice.type"],
  ];
  for (const [more, field] of refusals) {
    assert.deepEqual(
      lossesOf(more).map((loss) => [loss.field, loss.essential]),
      [[field, true]],
    );
  }
});

test("a tool that is refused is named with its type", () => {
  assert.match(
    lossesOf({ tools: [{ type: "code_interpreter", container: { type: "auto" } }] })[0]!.reason,
    /code_interpreter/,
  );
});

test("fields that nobody knows are lost by name, wherever they stand", () => {
  const strange = { strange: 1 };
  const losses = lossesOf({
    ...strange,
    input: [
      {
        role: "user",
        content: [{ type: "input_text", text: "x", prompt_cache_breakpoint: strange, ...strange }],
        ...strange,
      },
    ],
    tools: [{ type: "function", name: "f", parameters: null, strict: null, ...strange }],
    text: { format: { type: "text", ...strange }, ...strange },
    reasoning: strange,
    stream_options: strange,
    include: ["strange"],
  });
  assert.deepEqual(losses.map(({ field }) => field).sort(), [
    "include[0]",
    "input[0].content[0].prompt_cache_breakpoint.strange",
    "input[0].content[0].strange",
    "input[0].strange",
    "reasoning.strange",
    "strange",
    "stream_options.strange",
    "text.format.strange",
    "text.strange",
    "tools[0].strange",
  ]);
  assert.ok(losses.every(({ essential }) => essential !== true));
});
