/** The reference of dialects is read off the code; what is written by hand in it is held to the code here. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DIALECT_PROBES } from "../../../../src/cli/reference/dialect-probes.ts";
import { renderDialectsReference } from "../../../../src/cli/reference/dialects-page.ts";
import { addedFields } from "../../../../src/cli/reference/written-fields.ts";
import { ANTHROPIC_FIELDS } from "../../../../src/dialects/translate/anthropic/fields.ts";
import { GEMINI_FIELDS } from "../../../../src/dialects/translate/gemini/fields.ts";
import { CHAT_FIELDS } from "../../../../src/dialects/translate/openai-chat/fields.ts";
import { RESPONSES_FIELDS } from "../../../../src/dialects/translate/openai-responses/fields.ts";

const FIELDS = {
  openai_chat: CHAT_FIELDS,
  openai_responses: RESPONSES_FIELDS,
  anthropic: ANTHROPIC_FIELDS,
  gemini: GEMINI_FIELDS,
} as const;

test("every name that a caller's API is said to have for a thing is a field that is carried", () => {
  let names = 0;
  for (const probe of DIALECT_PROBES) {
    for (const front of Object.keys(FIELDS) as (keyof typeof FIELDS)[]) {
      const name = probe.names[front];
      if (name === undefined) continue;
      names++;
      assert.equal(FIELDS[front].find(({ field }) => field === name)?.fate, "carried", `${probe.what}: ${name}`);
    }
  }
  assert.ok(names > 80);
});

test("the page has a row for every field of every API, and for every thing what becomes of it", () => {
  const page = renderDialectsReference();
  for (const { field, fate } of Object.values(FIELDS).flat())
    assert.ok(page.includes(`| \`${field}\` | ${fate} |`), field);
  for (const { what } of DIALECT_PROBES) assert.equal(page.split(`\n| ${what} |`).length, 3, what);
  assert.match(page, /\| seed \| `seed` \| \*lost\*: [^|]+ \| `generationConfig\.seed` \|/);
  assert.match(page, /\| sound \(wav, mp3\) \|[^|]+\| \*refused\*: /);
});

test("what a writer adds is told by its path, with the value where that is not the asker's own", () => {
  const plain = { model: "m", messages: [{ role: "user", content: "x" }] };
  const written = {
    ...plain,
    stop: ["END"],
    choice: { type: "any" },
    tools: [{ type: "function", s: { properties: {} } }],
  };
  assert.deepEqual(addedFields(plain, written, { stop: "END" }), [
    "`stop[]`",
    "`choice.type: any`",
    "`tools[function].s`",
  ]);
  assert.deepEqual(addedFields(plain, plain, {}), []);
});
