/** Answers of the common form, whole and as streams, as fast-check arbitraries. */
import * as fc from "fast-check";
import type {
  AssistantPart,
  CommonAnswer,
  CommonEvent,
  CommonUsage,
  StopReason,
  TokenLogprob,
} from "../../../../../src/dialects/translate/common.ts";

const filled = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 });
const count = fc.integer({ min: 0, max: 1e6 });
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify({ value }));

const usage: fc.Arbitrary<CommonUsage> = fc.record(
  {
    inputTokens: count,
    outputTokens: count,
    cachedInputTokens: count,
    cacheWriteTokens: count,
    reasoningTokens: count,
  },
  { requiredKeys: ["inputTokens", "outputTokens"] },
);

const alternative = fc.record(
  {
    token: filled,
    logprob: fc.double({ min: -20, max: -0.1, noNaN: true }),
    bytes: fc.array(fc.nat(255), { minLength: 1 }),
  },
  { requiredKeys: ["token", "logprob"] },
);
const logprob: fc.Arbitrary<TokenLogprob> = fc
  .record({ token: alternative, top: fc.array(alternative, { maxLength: 2 }) })
  .map(({ token, top }) => Object.assign({}, token, { top }));

const call = fc.record({
  id: fc.stringMatching(/^call_[a-z0-9]{1,8}$/),
  name: fc.stringMatching(/^[a-z_]{1,10}$/),
  json,
});

/** An answer: thoughts, text, refusal, pictures, calls; each there or not. */
export const commonAnswers: fc.Arbitrary<CommonAnswer> = fc
  .record({
    id: fc.stringMatching(/^[a-z0-9_-]{1,20}$/),
    createdSeconds: fc.integer({ min: 1, max: 2 ** 32 }),
    thoughts: fc.option(filled),
    said: fc.option(filled),
    refused: fc.option(filled, { freq: 10 }),
    picture: fc.option(fc.constantFrom("AAEC", "AA=="), { freq: 10 }),
    calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }),
    reason: fc.constantFrom<StopReason>("stop", "length", "filtered"),
    usage: fc.option(usage, { nil: undefined }),
    logprobs: fc.option(fc.array(logprob, { minLength: 1, maxLength: 3 })),
  })
  .map((drawn): CommonAnswer => {
    const { id, createdSeconds, thoughts, said, refused, picture, calls, reason, usage, logprobs } = drawn;
    const parts: AssistantPart[] = [];
    if (thoughts !== null) parts.push({ kind: "reasoning", text: thoughts });
    if (said !== null) parts.push({ kind: "text", text: said });
    if (refused !== null) parts.push({ kind: "refusal", text: refused });
    if (picture !== null) {
      parts.push({ kind: "image", source: { kind: "base64", mediaType: "image/png", data: picture } });
    }
    for (const { id, name, json } of calls) parts.push({ kind: "tool_call", id, name, arguments: json });
    const natural = calls.length > 0 ? "tool_calls" : refused === null ? "stop" : "refusal";
    const stopReason = reason === "stop" ? natural : reason;
    const answer: CommonAnswer = { id, model: "m", createdSeconds, parts, stopReason, usage };
    return logprobs === null || said === null ? answer : Object.assign(answer, { logprobs });
  })
  // fast-check's objects have no prototype, what is read has one.
  .map((answer) => structuredClone(answer));

/** `whole` in pieces at these places, none of them empty. */
function pieces(whole: string, cuts: readonly number[]): string[] {
  const at = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b);
  const found: string[] = [];
  let from = 0;
  for (const cut of [...at, whole.length]) {
    if (cut > from) found.push(whole.slice(from, cut));
    from = Math.max(from, cut);
  }
  return found;
}

/** An answer with a stream that says the same. The calls' pieces are mixed, as those of parallel calls may be. */
export const commonStreams: fc.Arbitrary<{ readonly answer: CommonAnswer; readonly events: readonly CommonEvent[] }> =
  fc
    .tuple(commonAnswers, fc.array(fc.nat(40), { maxLength: 6 }), fc.boolean())
    .map(([answer, cuts, mixed]) => ({ answer, events: streamOf(answer, cuts, mixed) }));

function streamOf(answer: CommonAnswer, cuts: readonly number[], mixed: boolean): CommonEvent[] {
  const { id, model, createdSeconds, stopReason, usage, logprobs } = answer;
  const events: CommonEvent[] = [{ kind: "start", id, model, createdSeconds }];
  if (usage !== undefined) events.push({ kind: "usage", usage: { inputTokens: usage.inputTokens } });
  const ordered: CommonEvent[] = [];
  const later: CommonEvent[] = [];
  let index = 0;
  for (const part of answer.parts) {
    if (part.kind === "image") events.push({ kind: "image", source: part.source });
    else if (part.kind === "tool_call") {
      ordered.push({ kind: "tool_call", index, id: part.id, name: part.name });
      const [first, ...rest] = pieces(part.arguments, cuts).map((json): CommonEvent => ({
        kind: "tool_arguments",
        index,
        json,
      }));
      ordered.push(first!);
      (mixed ? later : ordered).push(...rest);
      index++;
    } else {
      pieces(part.text, cuts).forEach((text, i) => {
        if (part.kind === "text" && i === 0 && logprobs !== undefined) events.push({ kind: "text", text, logprobs });
        else events.push({ kind: part.kind, text });
      });
    }
  }
  events.push(...ordered, ...later, { kind: "finish", stopReason });
  if (usage !== undefined) events.push({ kind: "usage", usage });
  return [...events, { kind: "end" }];
}
