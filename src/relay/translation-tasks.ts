/**
 * The translation of requests and of whole answers, bytes to bytes: on the loop where they are small, else on a thread of its
 * own. Both ways come to the same result.
 */
import { cachedPart } from "../dialects/json-access.ts";
import type { Usage } from "../dialects/sse-scan.ts";
import { parseExactly } from "../dialects/translate/call-arguments.ts";
import { fieldOfCaller } from "../dialects/translate/field-names.ts";
import type { CommonRequest, CommonUsage } from "../dialects/translate/common.ts";
import { toldParts } from "../dialects/translate/thoughts.ts";
import type { Thoughts } from "../dialects/translate/thoughts.ts";
import type { AnswerContext, Loss, RequestFault } from "../dialects/translate/translation.ts";
import { openaiChatBackAt } from "../dialects/translate/openai-chat/translation.ts";
import { BACKS, FRONTS } from "../dialects/translate/registry.ts";
import type { BackName, FrontName } from "../dialects/translate/registry.ts";
import { asBuffer } from "../offload/transfer.ts";

/** A request to be translated. */
export interface TranslateRequestInput {
  /** Valid JSON, an object. */
  readonly body: Uint8Array;
  readonly front: FrontName;
  readonly back: BackName;
  /** The upstream's, since servers of one API differ. */
  readonly hostname: string;
  /** What the upstream calls the model. */
  readonly model: string;
  /** What the route's path says. */
  readonly path: { readonly model?: string; readonly stream?: boolean };
}

/** What comes of it. */
export type TranslateRequestOutput =
  | { readonly ok: false; readonly fault: RequestFault }
  | {
      readonly ok: true;
      /** Below the endpoint's base URL. */
      readonly path: string;
      readonly headers: readonly string[];
      readonly body: Uint8Array;
      /** Each by the caller's name for it. */
      readonly losses: readonly Loss[];
      readonly stream: boolean;
      readonly wantsUsage: boolean;
      readonly thoughts: Thoughts;
      readonly echo: AnswerContext["echo"];
    };

/** A whole answer to be translated. */
export interface TranslateAnswerInput {
  readonly body: Uint8Array;
  readonly front: FrontName;
  readonly back: BackName;
  readonly context: AnswerContext;
}

/** A translated answer. */
interface TranslatedAnswer {
  readonly body: Uint8Array;
  /** What of it has no place in the caller's API. */
  readonly dropped: readonly string[];
  /** As the upstream reports it. */
  readonly usage: Usage | undefined;
}

/** The answer; `null` where it is none of its API's. */
export type TranslateAnswerOutput = TranslatedAnswer | null;

/** See {@link TranslateRequestInput}. */
export function translateRequest(input: TranslateRequestInput): TranslateRequestOutput {
  const { body, front, back, hostname, model, path } = input;
  const text = asBuffer(body).toString("utf8");
  // OpenAI's APIs have the arguments of calls as text.
  const parsed = front === "anthropic" || front === "gemini" ? parseExactly(text) : (JSON.parse(text) as unknown);
  const read = FRONTS[front].readRequest(parsed, path);
  if (!read.ok) return { ok: false, fault: read.fault };
  const writer = back === "openai" ? openaiChatBackAt(hostname) : BACKS[back];
  const { request, places, thoughts } = read;
  const written = writer.writeRequest({ ...request, model, reasoning: asked(request.reasoning, thoughts) });
  const named = { front, body: parsed, request, places };
  const losses = written.losses.map((loss) => ({ ...loss, field: fieldOfCaller(loss.field, named) }));
  return {
    ok: true,
    path: written.path,
    headers: written.headers,
    body: bytesOf(written.body),
    losses: [...read.losses, ...losses],
    stream: request.stream,
    wantsUsage: request.wantsUsage,
    thoughts,
    echo: read.echo,
  };
}

/** A caller that is not told the thoughts doesn't want them; a model of Anthropic's then proves them without their text. */
function asked(reasoning: CommonRequest["reasoning"], thoughts: Thoughts): CommonRequest["reasoning"] {
  return reasoning === undefined || thoughts === "told" ? reasoning : { visible: false, ...reasoning };
}

/** See {@link TranslateAnswerInput}. */
export function translateAnswer({ body, ...translation }: TranslateAnswerInput): TranslateAnswerOutput {
  return translateParsedAnswer(parseExactly(asBuffer(body).toString("utf8")), translation);
}

/** The same of an answer that has been parsed. */
export function translateParsedAnswer(
  parsed: unknown,
  { front, back, context }: Omit<TranslateAnswerInput, "body">,
): TranslateAnswerOutput {
  const answer = BACKS[back].readAnswer(parsed);
  if (answer === undefined) return null;
  const told = { ...answer, parts: toldParts(answer.parts, context.thoughts ?? "told") };
  const { usage, dropped = [] } = answer;
  return { body: bytesOf(FRONTS[front].writeAnswer(told, context)), dropped, usage: usage && usageOf(usage) };
}

function usageOf({ inputTokens, outputTokens, cachedInputTokens }: CommonUsage): Usage {
  return { inputTokens, outputTokens, ...cachedPart(cachedInputTokens) };
}

/** In memory of its own, so that it can be moved between threads. */
function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** By name, which is also the metrics' label. */
export const TRANSLATION_TASKS = { translate_request: translateRequest, translate_answer: translateAnswer } as const;
