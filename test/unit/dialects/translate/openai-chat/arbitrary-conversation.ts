/** Requests of the common form that a chat request can hold whole, as fast-check arbitraries. */
import * as fc from "fast-check";
import type {
  AssistantPart,
  CommonRequest,
  MediaSource,
  Message,
  OutputFormat,
  Tool,
  ToolCallPart,
  ToolChoice,
  UserPart,
} from "../../../../../src/dialects/translate/common.ts";

const text = fc.string({ unit: "grapheme", maxLength: 30 });
const filled = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,12}$/);
const data = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const number = (min: number, max: number): fc.Arbitrary<number> =>
  fc.double({ min, max, noNaN: true }).map((value) => value + 0);
const schema = fc
  .dictionary(name, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4, noNullPrototype: true })
  // What was JSON once: -0 is none.
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);
const json = schema.map((value) => JSON.stringify(value));

const inline = (...types: string[]): fc.Arbitrary<Extract<MediaSource, { kind: "base64" }>> =>
  fc.record({ kind: fc.constant("base64" as const), mediaType: fc.constantFrom(...types), data });
const url: fc.Arbitrary<MediaSource> = fc
  .webUrl()
  .map((address) => ({ kind: "url" as const, url: address, mediaType: undefined }));

const userPart: fc.Arbitrary<UserPart> = fc.oneof(
  fc.record({ kind: fc.constant("text" as const), text }),
  fc.record(
    {
      kind: fc.constant("image" as const),
      source: fc.oneof(inline("image/png", "image/jpeg"), url),
      detail: fc.constantFrom("auto" as const, "low" as const, "high" as const),
    },
    { requiredKeys: ["kind", "source"] },
  ),
  fc.record({ kind: fc.constant("document" as const), source: inline("application/pdf", "text/plain"), name: filled }),
  fc.record({ kind: fc.constant("audio" as const), source: inline("audio/wav", "audio/mpeg") }),
);
const user: fc.Arbitrary<Message> = fc
  .array(userPart, { minLength: 1, maxLength: 4 })
  .map((parts) => ({ role: "user" as const, parts }));

const call: fc.Arbitrary<ToolCallPart> = fc.record({
  kind: fc.constant("tool_call" as const),
  id: fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/),
  name,
  arguments: json,
});

/** A turn of the model's, and the results of its calls. */
const turn: fc.Arbitrary<readonly Message[]> = fc
  .record({
    said: fc.option(filled),
    refused: fc.option(filled),
    calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }),
    results: fc.array(text, { minLength: 3, maxLength: 3 }),
  })
  .map(({ said, refused, calls, results }) => {
    const parts: AssistantPart[] = [];
    if (said !== null) parts.push({ kind: "text", text: said });
    if (refused !== null) parts.push({ kind: "refusal", text: refused });
    parts.push(...calls);
    const answered = calls.map(({ id, name }, i): Message => {
      const content = [{ kind: "text" as const, text: results[i]! }];
      return { role: "user", parts: [{ kind: "tool_result", id, name, content, isError: false }] };
    });
    return [{ role: "assistant" as const, parts } as Message].concat(answered);
  });

const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

const tool: fc.Arbitrary<Tool> = fc
  .record({ name, description: optional(text), parameters: optional(schema), strict: optional(fc.boolean()) })
  .map(({ strict, ...rest }) => (strict === undefined ? rest : Object.assign(rest, { strict })));

const outputFormat: fc.Arbitrary<OutputFormat> = fc.oneof(
  fc.record({ kind: fc.constantFrom("text" as const, "json" as const) }),
  fc.record(
    { kind: fc.constant("schema" as const), schema, name, description: text, strict: fc.boolean() },
    { requiredKeys: ["kind", "schema", "name"] },
  ),
);

const toolSetup = fc
  .record({
    tools: fc.array(tool, { maxLength: 3 }),
    kind: optional(fc.constantFrom("auto" as const, "none" as const, "required" as const, "named" as const)),
    parallelToolCalls: optional(fc.boolean()),
  })
  .map(({ tools, kind, parallelToolCalls }) => {
    if (tools.length === 0) return { tools, toolChoice: undefined, parallelToolCalls: undefined };
    const toolChoice: ToolChoice | undefined =
      kind === undefined ? undefined : kind === "named" ? { kind, names: [tools[0]!.name] } : { kind };
    return { tools, toolChoice, parallelToolCalls };
  });

/** See the file's comment. The conversation is in its plainest form: one message for each tool result. */
export const commonRequests: fc.Arbitrary<CommonRequest> = fc
  .record({
    model: filled,
    stream: fc.boolean(),
    system: fc.array(fc.record({ kind: fc.constant("text" as const), text: filled }), { maxLength: 1 }),
    turns: fc.array(
      fc.oneof(
        user.map((message): readonly Message[] => [message]),
        turn,
      ),
      { maxLength: 5 },
    ),
    setup: toolSetup,
    maxTokens: optional(fc.integer({ min: 1, max: 1e6 })),
    temperature: optional(number(0, 2)),
    topP: optional(number(0, 1)),
    topK: optional(fc.integer({ min: 1, max: 500 })),
    seed: optional(fc.integer()),
    presencePenalty: optional(number(-2, 2)),
    frequencyPenalty: optional(number(-2, 2)),
    stop: fc.array(filled, { maxLength: 4 }),
    outputFormat: optional(outputFormat),
    reasoning: optional(
      fc.record({
        effort: fc.constantFrom("none" as const, "minimal" as const, "low" as const, "high" as const, "max" as const),
      }),
    ),
    logprobs: optional(fc.record({ top: fc.integer({ min: 0, max: 20 }) })),
    userId: optional(filled),
  })
  .map(({ turns, setup, ...request }) =>
    // The usage is asked for whether or not the caller wants it.
    Object.assign(request, setup, { wantsUsage: request.stream, messages: turns.flat() }),
  )
  // fast-check's objects have no prototype, what is read has one.
  .map((request) => structuredClone(request));
