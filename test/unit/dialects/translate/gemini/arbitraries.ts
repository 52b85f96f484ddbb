/** Random conversations and answers, as far as Gemini can say them. */
import * as fc from "fast-check";
import type {
  AssistantPart,
  CommonAnswer,
  CommonEvent,
  CommonRequest,
  ImagePart,
  MediaSource,
  Message,
  ReasoningSignature,
  Tool,
  ToolResultPart,
  UserPart,
} from "../../../../../src/dialects/translate/common.ts";

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const word = fc.stringMatching(/^[a-z_][a-z0-9_]{0,7}$/);
const base64 = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const gap = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined });

/** JSON text of an object. */
const argumentsJson = fc
  .dictionary(word, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
  .map((value) => JSON.stringify(value));

const ownSignature: fc.Arbitrary<ReasoningSignature> = base64.map((data) => ({ family: "gemini", data }));
const anySignature: fc.Arbitrary<ReasoningSignature> = fc.oneof(
  ownSignature,
  fc.tuple(fc.constantFrom("openai" as const, "anthropic" as const), text).map(([family, data]) => ({ family, data })),
  text.map((data) => ({ family: "anthropic" as const, data, redacted: true })),
);

function source(mediaType: string): fc.Arbitrary<MediaSource> {
  return fc.oneof(
    base64.map((data) => ({ kind: "base64" as const, mediaType, data })),
    word.map((name) => ({ kind: "url" as const, url: `https://files.example/${name}`, mediaType })),
  );
}

const image: fc.Arbitrary<ImagePart> = source("image/png").map((data) => ({ kind: "image", source: data }));
const document: fc.Arbitrary<UserPart> = source("application/pdf").map((data) => ({ kind: "document", source: data }));
const sound: fc.Arbitrary<UserPart> = source("audio/wav").map((data) => ({ kind: "audio", source: data }));
const userPart: fc.Arbitrary<UserPart> = fc.oneof(
  text.map((words): UserPart => ({ kind: "text", text: words })),
  image,
  document,
  sound,
);

/** @param signature of thoughts and calls. @param first the number of the first call. */
function assistantParts(signature: fc.Arbitrary<ReasoningSignature>): fc.Arbitrary<readonly AssistantPart[]> {
  const part: fc.Arbitrary<AssistantPart> = fc.oneof(
    text.map((words): AssistantPart => ({ kind: "text", text: words })),
    fc
      .tuple(text, signature)
      .map(([words, proof]): AssistantPart => ({ kind: "reasoning", text: words, signature: proof })),
    signature.map((proof): AssistantPart => ({ kind: "reasoning", text: "", signature: proof })),
    image,
    fc.tuple(word, argumentsJson, gap(signature)).map(callOf),
  );
  return fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => separated(parts));
}

function callOf([name, json, signature]: readonly [string, string, ReasoningSignature | undefined]): AssistantPart {
  const call = { kind: "tool_call" as const, id: "", name, arguments: json };
  return signature === undefined ? call : { ...call, signature };
}

/** Neighbours that Gemini's parts can't tell apart, left out. */
function separated(parts: readonly AssistantPart[]): readonly AssistantPart[] {
  const kept: AssistantPart[] = [];
  for (const part of parts) {
    const last = kept.at(-1);
    if (part.kind === "text" && last?.kind === "text") continue;
    if (part.kind === "reasoning") {
      if (part.text !== "" && part.signature?.redacted === true) continue;
      // A redacted thought has no text, and one with text is not redacted.
      if (part.text === "" && part.signature?.family !== "gemini" && part.signature?.redacted !== true) continue;
    }
    kept.push(part);
  }
  return kept.length > 0 ? kept : [{ kind: "text", text: "x" }];
}

/** Turns that take turns, each call with its result. */
const messages: fc.Arbitrary<readonly Message[]> = fc
  .array(
    fc.record({
      said: fc.array(userPart, { minLength: 1, maxLength: 3 }),
      answered: assistantParts(ownSignature),
      gave: fc.array(fc.tuple(text, fc.boolean(), fc.array(image, { maxLength: 1 })), { minLength: 6, maxLength: 6 }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((rounds) => rounds.flatMap(({ said, answered, gave }, round) => turnsOf(said, answered, gave, round)));

function turnsOf(
  said: readonly UserPart[],
  answered: readonly AssistantPart[],
  gave: readonly (readonly [string, boolean, readonly ImagePart[]])[],
  round: number,
): readonly Message[] {
  const named = answered.map((part, i) =>
    part.kind === "tool_call" ? Object.assign({}, part, { id: `id_${round}_${i}` }) : part,
  );
  const results = named.flatMap((part, i): ToolResultPart[] => {
    if (part.kind !== "tool_call") return [];
    const [words, isError, pictures] = gave[i]!;
    const content = [{ kind: "text" as const, text: words }, ...pictures];
    return [{ kind: "tool_result", id: part.id, name: part.name, content, isError }];
  });
  const turns: Message[] = [
    { role: "user", parts: said },
    { role: "assistant", parts: named },
  ];
  // What comes next is a user's turn too, and a user's neighbour: it would become one with it.
  return results.length === 0
    ? turns
    : [...turns, { role: "user", parts: results }, { role: "assistant", parts: [{ kind: "text", text: "ok" }] }];
}

const schema = fc
  .dictionary(word, fc.constantFrom({ type: "string" }, { type: "number" }), { maxKeys: 2, noNullPrototype: true })
  .map((properties) => ({ type: "object", properties }));
const tool: fc.Arbitrary<Tool> = fc.record(
  { name: word, description: gap(text), parameters: gap(schema) },
  { noNullPrototype: true },
);
const number = fc.double({ min: 0, max: 2, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);

/** What can be said to `gemini-3-flash-preview` and come back the same. */
export const requests: fc.Arbitrary<CommonRequest> = fc
  .record({
    stream: fc.boolean(),
    system: fc.array(
      text.map((words) => ({ kind: "text" as const, text: words })),
      { maxLength: 2 },
    ),
    messages,
    tools: fc.uniqueArray(tool, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
    choice: fc.constantFrom("auto" as const, "none" as const, "required" as const, "named" as const, undefined),
    maxTokens: gap(fc.integer({ min: 1, max: 100_000 })),
    temperature: gap(number),
    topP: gap(number),
    topK: gap(fc.integer({ min: 1, max: 40 })),
    seed: gap(fc.integer()),
    presencePenalty: gap(number),
    frequencyPenalty: gap(number),
    stop: fc.array(text, { maxLength: 5 }),
    format: fc.constantFrom("text" as const, "json" as const, "schema" as const, undefined),
    effort: fc.constantFrom("minimal" as const, "low" as const, "medium" as const, "high" as const, undefined),
    visible: gap(fc.boolean()),
    logprobs: gap(fc.integer({ min: 0, max: 20 })),
  })
  .map(({ choice, format, effort, visible, logprobs, ...rest }) =>
    Object.assign({}, rest, {
      model: "gemini-3-flash-preview",
      wantsUsage: true,
      toolChoice: choiceOf(choice, rest.tools[0]!.name),
      parallelToolCalls: undefined,
      outputFormat: formatOf(format),
      reasoning: reasoningOf(effort, visible),
      logprobs: logprobs === undefined ? undefined : { top: logprobs },
      userId: undefined,
    }),
  );

function choiceOf(kind: "auto" | "none" | "required" | "named" | undefined, name: string): CommonRequest["toolChoice"] {
  if (kind === undefined) return undefined;
  return kind === "named" ? { kind, names: [name] } : { kind };
}

function formatOf(kind: "text" | "json" | "schema" | undefined): CommonRequest["outputFormat"] {
  if (kind === undefined) return undefined;
  return kind === "schema" ? { kind, schema: { type: "object" }, name: undefined } : { kind };
}

function reasoningOf(
  effort: "minimal" | "low" | "medium" | "high" | undefined,
  visible: boolean | undefined,
): CommonRequest["reasoning"] {
  if (effort === undefined && visible === undefined) return undefined;
  return { ...(effort === undefined ? {} : { effort }), ...(visible === undefined ? {} : { visible }) };
}

const usage = fc
  .record({ input: fc.nat(9999), cached: fc.nat(99), shown: fc.nat(999), thought: gap(fc.nat(99)) })
  .map(({ input, cached, shown, thought }) =>
    Object.assign(
      { inputTokens: input + cached, outputTokens: shown + (thought ?? 0), cachedInputTokens: cached },
      thought === undefined ? {} : { reasoningTokens: thought },
    ),
  );

/** Answers of any upstream, as far as a caller that speaks Gemini can be told of them. */
export const answers: fc.Arbitrary<CommonAnswer> = fc
  .record({ parts: assistantParts(anySignature), usage: gap(usage), isCut: fc.boolean(), id: word, model: word })
  .map(({ parts, isCut, ...rest }) => {
    const named = parts.map((part, i) =>
      part.kind === "tool_call" ? Object.assign({}, part, { id: `id_${i}` }) : part,
    );
    const hasCalls = named.some(({ kind }) => kind === "tool_call");
    const stopReason = isCut ? ("length" as const) : hasCalls ? ("tool_calls" as const) : ("stop" as const);
    return Object.assign({}, rest, { parts: named, stopReason, createdSeconds: 0 });
  });

/** The stream that an answer comes as, its texts cut at random. */
export function eventsOf(answer: CommonAnswer): fc.Arbitrary<readonly CommonEvent[]> {
  return fc.infiniteStream(fc.nat(5)).map((cuts) => {
    const { id, model, parts, usage: counted, stopReason } = answer;
    const events: CommonEvent[] = [{ kind: "start", id, model, createdSeconds: 0 }];
    let index = 0;
    for (const part of parts) events.push(...eventsOfPart(part, part.kind === "tool_call" ? index++ : 0, cuts));
    if (counted !== undefined) events.push({ kind: "usage", usage: counted });
    events.push({ kind: "finish", stopReason }, { kind: "end" });
    return events;
  });
}

function eventsOfPart(part: AssistantPart, index: number, cuts: fc.Stream<number>): CommonEvent[] {
  if (part.kind === "image") return [{ kind: "image", source: part.source }];
  if (part.kind === "tool_call") {
    const { name, id, signature } = part;
    const begin: CommonEvent = { kind: "tool_call", index, id, name };
    return [
      signature === undefined ? begin : { ...begin, signature },
      ...pieces(part.arguments, cuts).map((json): CommonEvent => ({ kind: "tool_arguments", index, json })),
    ];
  }
  const told = pieces(part.text, cuts).map((text): CommonEvent => ({ kind: part.kind, text }));
  if (part.kind !== "reasoning" || part.signature === undefined) return told;
  return [...told, { kind: "reasoning_signature", signature: part.signature }];
}

/** Between characters, as upstreams cut. */
function pieces(whole: string, cuts: fc.Stream<number>): readonly string[] {
  const found: string[] = [];
  let rest = Array.from(whole);
  while (rest.length > 0) {
    const size = 1 + cuts.next().value!;
    found.push(rest.slice(0, size).join(""));
    rest = rest.slice(size);
  }
  return found;
}
