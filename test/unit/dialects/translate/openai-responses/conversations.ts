/** Random answers in the common form, and the streams that bring them. */
import * as fc from "fast-check";
import type {
  AssistantPart,
  CommonAnswer,
  CommonEvent,
  CommonUsage,
  ReasoningSignature,
  StopReason,
  TokenLogprob,
} from "../../../../../src/dialects/translate/common.ts";

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 30 });
const base64 = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("base64"));

const signature: fc.Arbitrary<ReasoningSignature> = fc.record(
  {
    family: fc.constantFrom("openai" as const, "anthropic" as const, "gemini" as const),
    data: base64,
    redacted: fc.constant(true),
  },
  { requiredKeys: ["family", "data"] },
);

const reasoning: fc.Arbitrary<AssistantPart> = fc.oneof(
  fc.record({ kind: fc.constant("reasoning" as const), text }),
  fc.record({ kind: fc.constant("reasoning" as const), text: fc.oneof(fc.constant(""), text), signature }),
);

const toolCall: fc.Arbitrary<AssistantPart> = fc.record(
  {
    kind: fc.constant("tool_call" as const),
    // Exchanged for one of its own where it is used: ids are unique.
    id: fc.constant("call"),
    name: fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_-]{0,12}$/),
    arguments: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }).map((value) => JSON.stringify(value)),
    signature,
  },
  { requiredKeys: ["kind", "id", "name", "arguments"] },
);

const image: fc.Arbitrary<AssistantPart> = base64.map((data) => ({
  kind: "image",
  // The eight bytes that a PNG begins with: the API does not say what a picture is.
  source: {
    kind: "base64",
    mediaType: "image/png",
    data: Buffer.from(`\x89PNG\r\n\x1a\n${data}`, "latin1").toString("base64"),
  },
}));

const logprob: fc.Arbitrary<TokenLogprob> = fc.record({
  token: text,
  logprob: fc.double({ min: -20, max: 0, noNaN: true }).map((value) => value + 0),
  bytes: fc.array(fc.nat(255), { maxLength: 3 }),
  top: fc.constant([{ token: "a", logprob: -1, bytes: [97] }]),
});

const usage: fc.Arbitrary<CommonUsage> = fc
  .tuple(fc.nat(999), fc.nat(999), fc.nat(999), fc.nat(999), fc.nat(999))
  .map(([plain, cached, written, visible, reasoned]) => ({
    inputTokens: plain + cached + written,
    outputTokens: visible + reasoned,
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    reasoningTokens: reasoned,
  }));

/** No two neighbours that a stream can't tell apart; unique call ids. fast-check's records have no prototype, these have one. */
function tidy(parts: readonly AssistantPart[]): AssistantPart[] {
  const tidied: AssistantPart[] = [];
  for (const part of parts) {
    const before = tidied.at(-1);
    const isApart = part.kind !== before?.kind || part.kind === "tool_call" || part.kind === "image";
    const isNextThought = part.kind === "reasoning" && before?.kind === "reasoning" && before.signature !== undefined;
    if (!isApart && !isNextThought) continue;
    tidied.push(structuredClone(part.kind === "tool_call" ? { ...part, id: `call_${tidied.length}` } : part));
  }
  return tidied;
}

const parts = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("text" as const), text }) },
      { weight: 3, arbitrary: toolCall },
      { weight: 2, arbitrary: reasoning },
      { weight: 1, arbitrary: image },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("refusal" as const), text }) },
    ),
    { maxLength: 7 },
  )
  .map(tidy);

const STOP_REASONS: readonly StopReason[] = ["stop", "stop_sequence", "length", "tool_calls", "filtered", "refusal"];

/** A whole answer. */
export const answers: fc.Arbitrary<CommonAnswer> = fc
  .record({
    id: fc.constantFrom("msg_01Abc", "chatcmpl-9xyz", "resp_0123", "a/b:c d"),
    model: fc.constant("model-of-upstream"),
    createdSeconds: fc.integer({ min: 1, max: 2_000_000_000 }),
    parts,
    stopReason: fc.constantFrom(...STOP_REASONS),
    usage: fc.option(usage, { nil: undefined }),
    logprobs: fc.array(logprob, { maxLength: 4 }),
  })
  .map(({ logprobs, ...answer }) => {
    const hasText = answer.parts.some(({ kind }) => kind === "text");
    return hasText ? Object.assign(answer, { logprobs }) : answer;
  });

/** Cuts `whole` at places that `cuts` say, in UTF-16 units: also in the middle of a character. */
export function pieces(whole: string, cuts: readonly number[]): string[] {
  const at = cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b);
  return [0, ...at].map((from, i) => whole.slice(from, at[i] ?? whole.length));
}

/** The stream that brings an answer; neighbouring calls' arguments come by turns. */
export function eventsOf(answer: CommonAnswer, cuts: readonly number[]): CommonEvent[] {
  const events: CommonEvent[] = [
    { kind: "start", id: answer.id, model: answer.model, createdSeconds: answer.createdSeconds },
    { kind: "usage", usage: { inputTokens: answer.usage?.inputTokens ?? 0 } },
  ];
  if (answer.usage === undefined) events.pop();
  let calls = 0;
  let logprobs = answer.logprobs;
  let waiting: CommonEvent[][] = [];
  const flush = (): void => {
    for (let turn = 0; waiting.some((queue) => turn < queue.length); turn++) {
      for (const queue of waiting) if (turn < queue.length) events.push(queue[turn]!);
    }
    waiting = [];
  };
  for (const part of answer.parts) {
    if (part.kind === "tool_call") {
      const index = calls++;
      const { id, name, signature: signed } = part;
      events.push({ kind: "tool_call", index, id, name, ...(signed === undefined ? {} : { signature: signed }) });
      waiting.push(pieces(part.arguments, cuts).map((json) => ({ kind: "tool_arguments", index, json })));
      continue;
    }
    flush();
    if (part.kind === "image") events.push({ kind: "image", source: part.source });
    else if (part.text !== "") {
      for (const piece of pieces(part.text, cuts)) events.push({ kind: part.kind, text: piece });
      const first = events.findLastIndex(({ kind }) => kind !== part.kind) + 1;
      if (part.kind === "text" && logprobs !== undefined) {
        events[first] = { ...(events[first] as { kind: "text"; text: string }), logprobs };
        logprobs = undefined;
      }
    }
    if (part.kind === "reasoning" && part.signature !== undefined) {
      events.push({ kind: "reasoning_signature", signature: part.signature });
    }
  }
  flush();
  events.push({ kind: "finish", stopReason: answer.stopReason });
  if (answer.usage !== undefined) events.push({ kind: "usage", usage: answer.usage });
  events.push({ kind: "end" });
  return events;
}

/** Where a stream's pieces are cut. */
export const cutPlaces: fc.Arbitrary<number[]> = fc.array(fc.nat(60), { maxLength: 4 });
