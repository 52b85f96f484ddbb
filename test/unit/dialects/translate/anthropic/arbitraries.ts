/* oxlint-disable oxc/no-map-spread -- these maps are fast-check's, not an array's */
/** Random conversations, answers and streams of what Anthropic's API can say. */
import * as fc from "fast-check";
import type {
  AssistantPart,
  CacheMark,
  CommonAnswer,
  CommonEvent,
  CommonRequest,
  CommonUsage,
  DocumentPart,
  ImagePart,
  MediaSource,
  Message,
  StopReason,
  TextPart,
  Tool,
  ToolCallPart,
  ToolResultPart,
  UserPart,
} from "../../../../../src/dialects/translate/common.ts";

/** With what JSON and server-sent events have to escape. */
const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const text = fc.oneof(
  words.filter((value) => /\S/.test(value)),
  fc.constantFrom("a\nb", 'say "no"', "\u2028x", "data: [DONE]", "\\u0000 \t.", "é🙂"),
);
const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,8}$/);
const toolId = fc.stringMatching(/^toolu_[a-zA-Z0-9]{1,6}$/);
const base64 = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const cache: fc.Arbitrary<{ cache?: CacheMark }> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.constantFrom(undefined, "5m" as const, "1h" as const).map((ttl) => ({ cache: { ttl } })),
);
const schema = fc.uniqueArray(name, { maxLength: 3 }).map((names) => ({
  type: "object",
  properties: Object.fromEntries(names.map((one) => [one, { type: "string" }])),
  required: names,
  additionalProperties: false,
}));
const json = fc
  .dictionary(name, fc.oneof(text, fc.integer(), fc.boolean()), { maxKeys: 3 })
  .map((value) => JSON.stringify(value));

const textPart: fc.Arbitrary<TextPart> = fc
  .tuple(text, cache)
  .map(([value, mark]) => ({ kind: "text", text: value, ...mark }));
const inline = (...types: string[]): fc.Arbitrary<MediaSource> =>
  fc.tuple(fc.constantFrom(...types), base64).map(([mediaType, data]) => ({ kind: "base64", mediaType, data }));
const imagePart: fc.Arbitrary<ImagePart> = fc
  .tuple(
    fc.oneof(
      inline("image/png", "image/jpeg"),
      fc.webUrl().map((url): MediaSource => ({ kind: "url", url, mediaType: undefined })),
    ),
    cache,
  )
  .map(([source, mark]) => ({ kind: "image", source, ...mark }));
const plain: fc.Arbitrary<MediaSource> = text.map((value) => ({
  kind: "base64",
  mediaType: "text/plain",
  data: Buffer.from(value.toWellFormed()).toString("base64"),
}));
const documentPart: fc.Arbitrary<DocumentPart> = fc
  .tuple(
    fc.oneof(
      inline("application/pdf"),
      plain,
      fc.webUrl().map((url): MediaSource => ({ kind: "url", url, mediaType: "application/pdf" })),
    ),
    cache,
    fc.oneof(
      fc.constant({}),
      text.map((value) => ({ name: value })),
    ),
  )
  .map(([source, mark, named]) => ({ kind: "document", source, ...mark, ...named }));
const inputPart = fc.oneof(textPart, imagePart, documentPart);

const signature = fc.stringMatching(/^[A-Za-z0-9+/]{4,12}$/).map((data) => ({ family: "anthropic" as const, data }));
const thought: fc.Arbitrary<AssistantPart> = fc.oneof(
  fc.tuple(text, signature).map(([value, proof]) => ({ kind: "reasoning" as const, text: value, signature: proof })),
  signature.map((proof) => ({ kind: "reasoning" as const, text: "", signature: { ...proof, redacted: true } })),
);
const callPart: fc.Arbitrary<ToolCallPart> = fc
  .tuple(toolId, name, json, cache)
  .map(([id, called, value, mark]) => ({ kind: "tool_call", id, name: called, arguments: value, ...mark }));

/** A turn that calls tools and the turn that answers it. */
const toolTurns: fc.Arbitrary<Message[]> = fc
  .tuple(
    fc.array(fc.oneof(textPart, thought), { maxLength: 2 }),
    fc.uniqueArray(callPart, { minLength: 1, maxLength: 3, selector: ({ id }) => id }),
    fc.array(fc.tuple(fc.array(inputPart, { maxLength: 2 }), fc.boolean(), cache), { minLength: 3, maxLength: 3 }),
    fc.array(inputPart, { maxLength: 2 }),
  )
  .map(([before, calls, results, after]) => {
    const answered = calls.map(({ id, name: called }, i): ToolResultPart => {
      const [content, isError, mark] = results[i]!;
      return { kind: "tool_result", id, name: called, content, isError, ...mark };
    });
    return [
      { role: "assistant", parts: [...before, ...calls] },
      { role: "user", parts: [...answered, ...after] },
    ];
  });
const plainTurns: fc.Arbitrary<Message[]> = fc
  .tuple(
    fc.array(fc.oneof(textPart, thought), { minLength: 1, maxLength: 3 }),
    fc.array<UserPart>(inputPart, { minLength: 1, maxLength: 3 }),
  )
  .map(([said, asked]) => [
    { role: "assistant", parts: said },
    { role: "user", parts: asked },
  ]);
const messages: fc.Arbitrary<Message[]> = fc
  .tuple(
    fc.array<UserPart>(inputPart, { minLength: 1, maxLength: 3 }),
    fc.array(fc.oneof(plainTurns, toolTurns), { maxLength: 3 }),
  )
  .map(([first, turns]) => {
    const all = turns.flat();
    // One id names one call.
    const ids = all.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === "tool_call" ? [part.id] : [])));
    return [{ role: "user" as const, parts: first }, ...(new Set(ids).size === ids.length ? all : [])];
  });

const tool: fc.Arbitrary<Tool> = fc
  .tuple(
    name,
    fc.option(text, { nil: undefined }),
    schema,
    cache,
    fc.constantFrom({}, { strict: true }, { strict: false }),
  )
  .map(([called, description, parameters, mark, strict]) => ({
    name: called,
    description,
    parameters,
    ...mark,
    ...strict,
  }));

const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

/** Requests that Anthropic can be sent and that come back the same: of a model that takes all of it. */
export const requests: fc.Arbitrary<CommonRequest> = fc
  .record({
    model: fc.constant("of-another-house"),
    stream: fc.boolean(),
    wantsUsage: fc.constant(true),
    system: fc.array(textPart, { maxLength: 2 }),
    messages,
    tools: fc.uniqueArray(tool, { maxLength: 3, selector: (one) => one.name }),
    parallelToolCalls: maybe(fc.boolean()),
    choice: fc.constantFrom("unsaid", "auto", "none", "required", "named"),
    maxTokens: fc.integer({ min: 4096, max: 32_000 }),
    sampling: fc.boolean(),
    temperature: maybe(fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0)),
    topP: maybe(fc.double({ min: 0.1, max: 1, noNaN: true })),
    topK: maybe(fc.integer({ min: 1, max: 100 })),
    stop: fc.array(text, { maxLength: 2 }),
    outputFormat: maybe(
      schema.map((value) => ({ kind: "schema" as const, schema: value, name: undefined, strict: true })),
    ),
    budgetTokens: maybe(fc.integer({ min: 1024, max: 4095 })),
    visible: fc.boolean(),
    userId: maybe(text),
  })
  .map(({ choice, sampling, budgetTokens, visible, ...rest }): CommonRequest => {
    // Who thinks is not forced to call tools and takes no sampling; between a call and its result it has to have thought.
    const thinks = !sampling && budgetTokens !== undefined && !endsInResults(rest.messages);
    const [first] = rest.tools;
    const wanted =
      choice === "unsaid" || first === undefined || (thinks && (choice === "required" || choice === "named"))
        ? undefined
        : choice === "named"
          ? { kind: "named" as const, names: [first.name] }
          : { kind: choice };
    const unsampled = { temperature: undefined, topP: undefined, topK: undefined };
    // Nothing is said of parallel calls where there is no choice, and saying so is to choose.
    const takesParallel = first !== undefined && wanted?.kind !== "none";
    const parallelToolCalls = takesParallel ? rest.parallelToolCalls : undefined;
    return {
      ...rest,
      ...(thinks ? unsampled : {}),
      toolChoice: wanted ?? (parallelToolCalls === undefined ? undefined : { kind: "auto" }),
      parallelToolCalls,
      reasoning: thinks ? { budgetTokens, visible } : undefined,
      seed: undefined,
      presencePenalty: undefined,
      frequencyPenalty: undefined,
      logprobs: undefined,
    };
  });

function endsInResults(all: readonly Message[]): boolean {
  return all.at(-1)?.parts[0]?.kind === "tool_result";
}

const usage: fc.Arbitrary<CommonUsage> = fc
  .record({
    fresh: fc.nat(9999),
    cachedInputTokens: fc.nat(9999),
    cacheWriteTokens: fc.nat(9999),
    outputTokens: fc.integer({ min: 1, max: 9999 }),
    reasoningTokens: maybe(fc.nat(99)),
  })
  .map(({ fresh, reasoningTokens, ...rest }) => ({
    ...rest,
    inputTokens: fresh + rest.cachedInputTokens + rest.cacheWriteTokens,
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
  }));

const outputPart: fc.Arbitrary<AssistantPart> = fc.oneof(
  text.map((value) => ({ kind: "text" as const, text: value })),
  fc
    .tuple(toolId, name, json)
    .map(([id, called, value]) => ({ kind: "tool_call" as const, id, name: called, arguments: value })),
  thought,
);

/** Whole answers. */
export const answers: fc.Arbitrary<CommonAnswer> = fc
  .record({
    id: fc.stringMatching(/^msg_[a-zA-Z0-9]{4}$/),
    model: fc.constant("claude-sonnet-4-5"),
    createdSeconds: fc.constant(0),
    parts: fc.array(outputPart, { maxLength: 5 }),
    stop: fc.constantFrom<StopReason>("stop", "stop_sequence", "length", "filtered"),
    sequence: text,
    usage,
  })
  .map(({ stop, sequence, ...rest }) => {
    const calls = rest.parts.some(({ kind }) => kind === "tool_call");
    const stopReason = stop === "stop" && calls ? "tool_calls" : stop;
    return { ...rest, stopReason, ...(stop === "stop_sequence" ? { stopSequence: sequence } : {}) };
  });

/** An answer's events, cut and mixed as upstreams do: text in pieces, usage at any time, tool calls side by side. */
export const streams: fc.Arbitrary<{ readonly answer: CommonAnswer; readonly events: readonly CommonEvent[] }> = fc
  .tuple(
    answers.map((answer) => ({ ...answer, parts: uniqueCalls(answer.parts) })),
    fc.infiniteStream(fc.nat(6)),
  )
  .map(([answer, choices]) => ({ answer, events: eventsOf(answer, () => choices.next().value as number) }));

function uniqueCalls(parts: readonly AssistantPart[]): AssistantPart[] {
  return parts.map((part, i) => (part.kind === "tool_call" ? { ...part, id: `${part.id}_${i}` } : part));
}

function eventsOf(answer: CommonAnswer, choose: () => number): CommonEvent[] {
  const { id, model, createdSeconds } = answer;
  const events: CommonEvent[] = [{ kind: "start", id, model, createdSeconds }];
  const { inputTokens, ...later } = answer.usage!;
  if (choose() % 2 === 0) events.push({ kind: "usage", usage: { inputTokens } });
  let calls = 0;
  /** Arguments that are still to come, by call. */
  let owed: { readonly index: number; pieces: string[] }[] = [];
  const pay = (goesOn: () => boolean): void => {
    while (owed.length > 0 && goesOn()) {
      const call = owed[choose() % owed.length]!;
      const json = call.pieces.shift();
      if (json !== undefined) events.push({ kind: "tool_arguments", index: call.index, json });
      owed = owed.filter(({ pieces }) => pieces.length > 0);
    }
  };
  for (const part of answer.parts) {
    pay(() => part.kind !== "tool_call" || choose() > 1);
    if (part.kind === "text") {
      for (const piece of cut(part.text, choose)) events.push({ kind: "text", text: piece });
    } else if (part.kind === "reasoning") {
      for (const piece of cut(part.text, choose)) events.push({ kind: "reasoning", text: piece });
      events.push({ kind: "reasoning_signature", signature: part.signature! });
    } else if (part.kind === "tool_call") {
      const index = calls++;
      events.push({ kind: "tool_call", index, id: part.id, name: part.name });
      owed.push({ index, pieces: cut(part.arguments, choose) });
    }
  }
  pay(() => true);
  const finish: CommonEvent = {
    kind: "finish",
    stopReason: answer.stopReason,
    ...(answer.stopSequence === undefined ? {} : { stopSequence: answer.stopSequence }),
  };
  const rest: CommonEvent = { kind: "usage", usage: { inputTokens, ...later } };
  events.push(...(choose() % 2 === 0 ? [finish, rest] : [rest, finish]), { kind: "end" });
  return events;
}

function cut(value: string, choose: () => number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < value.length;) {
    const length = 1 + choose();
    pieces.push(value.slice(at, at + length));
    at += length;
  }
  return pieces;
}
