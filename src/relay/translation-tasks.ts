/**
 * The translation of requests and of whole answers, bytes to bytes: on the loop where they are small, else on a thread of its
 * own. Both ways come to the same result.
 */
import { parseJson } from "../dialects/json-access.ts";
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
      readonly losses: readonly Loss[];
      readonly stream: boolean;
      readonly wantsUsage: boolean;
      readonly echo: AnswerContext["echo"];
    };

/** A whole answer to be translated. */
export interface TranslateAnswerInput {
  readonly body: Uint8Array;
  readonly front: FrontName;
  readonly back: BackName;
  readonly context: AnswerContext;
}

/** The answer; `null` where it is none of its API's. */
export type TranslateAnswerOutput = { readonly body: Uint8Array } | null;

/** See {@link TranslateRequestInput}. */
export function translateRequest(input: TranslateRequestInput): TranslateRequestOutput {
  const { body, front, back, hostname, model, path } = input;
  const read = FRONTS[front].readRequest(JSON.parse(asBuffer(body).toString("utf8")) as unknown, path);
  if (!read.ok) return { ok: false, fault: read.fault };
  const writer = back === "openai" ? openaiChatBackAt(hostname) : BACKS[back];
  const written = writer.writeRequest({ ...read.request, model });
  return {
    ok: true,
    path: written.path,
    headers: written.headers,
    body: bytesOf(written.body),
    losses: [...read.losses, ...written.losses],
    stream: read.request.stream,
    wantsUsage: read.request.wantsUsage,
    echo: read.echo,
  };
}

/** See {@link TranslateAnswerInput}. */
export function translateAnswer({ body, front, back, context }: TranslateAnswerInput): TranslateAnswerOutput {
  const answer = BACKS[back].readAnswer(parseJson(asBuffer(body).toString("utf8")));
  return answer === undefined ? null : { body: bytesOf(FRONTS[front].writeAnswer(answer, context)) };
}

/** In memory of its own, so that it can be moved between threads. */
function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** By name, which is also the metrics' label. */
export const TRANSLATION_TASKS = { translate_request: translateRequest, translate_answer: translateAnswer } as const;
