/** What the providers really sent, as a caller of the Responses API gets it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommonEvent } from "../../../../../src/dialects/translate/common.ts";
import { openaiResponsesFront } from "../../../../../src/dialects/translate/openai-responses/translation.ts";
import { BACKS } from "../../../../../src/dialects/translate/registry.ts";
import { SseEvents } from "../../../../../src/dialects/translate/sse-events.ts";
import { recordedStreams, skipRecorded } from "../../../../support/recorded-streams.ts";
import { assertLegal, parseEvents } from "./legal-events.ts";

type Output = readonly {
  readonly type: string;
  readonly name?: string;
  readonly arguments?: string;
  readonly content?: readonly { readonly text?: string; readonly refusal?: string }[];
  readonly summary?: readonly { readonly text: string }[];
}[];

function commonEvents(dialect: keyof typeof BACKS, wire: Buffer): CommonEvent[] {
  const parser = new SseEvents();
  const reader = BACKS[dialect].createReader();
  return [...[...parser.push(wire), ...parser.end()].flatMap((event) => reader.read(event)), ...reader.end()];
}

/** Texts, thoughts and calls, in the order in which they came, added up. */
function saidIn(events: readonly CommonEvent[]): { text: string; thoughts: string; calls: string[] } {
  const said = { text: "", thoughts: "", calls: [] as string[] };
  const json: string[] = [];
  for (const event of events) {
    if (event.kind === "text" || event.kind === "refusal") said.text += event.text;
    else if (event.kind === "reasoning") said.thoughts += event.text;
    else if (event.kind === "tool_call") said.calls[event.index] = event.name;
    else if (event.kind === "tool_arguments") json[event.index] = (json[event.index] ?? "") + event.json;
  }
  return { ...said, calls: said.calls.map((name, i) => `${name}(${json[i] ?? "{}"})`) };
}

function saidOn(output: Output): { text: string; thoughts: string; calls: string[] } {
  return {
    text: output.flatMap(({ content = [] }) => content.map((part) => part.text ?? part.refusal ?? "")).join(""),
    thoughts: output.flatMap(({ summary = [] }) => summary.map(({ text }) => text)).join(""),
    calls: output.flatMap((item) => (item.type === "function_call" ? [`${item.name}(${item.arguments})`] : [])),
  };
}

for (const dialect of ["openai", "anthropic", "gemini"] as const) {
  test(
    `every ${dialect} recording becomes a legal stream that says the same, or an error`,
    { skip: skipRecorded },
    async (t) => {
      for (const { name, wire, path } of recordedStreams(dialect)) {
        if (path === "/v1/completions") continue;
        await t.test(name, () => {
          const events = commonEvents(dialect, wire);
          const writer = openaiResponsesFront.createWriter({ model: "m", wantsUsage: true, framing: "sse" });
          const written = parseEvents(events.map((event) => writer.write(event)).join(""));
          // One is spliced out of two, and its reader says so.
          if (events.some(({ kind }) => kind === "error")) {
            assert.deepEqual(
              written.slice(-2).map(({ type }) => type),
              ["error", "response.failed"],
            );
            return;
          }
          const response = assertLegal(written);
          assert.deepEqual(saidOn(response["output"] as Output), saidIn(events));
          assert.notEqual(response["usage"], null);
        });
      }
    },
  );
}
