/** What the three simulated APIs have in common: a request is checked once and becomes a plan, which is then played. */

import type { JsonObject } from "./json.ts";

/** A checked request for one answer. */
export interface Order {
  readonly body: JsonObject;
  /** The model named in the path (Gemini) or in the body (the others), at most 256 characters. */
  readonly model: string;
  /** `?alt=sse` was asked for. Gemini alone. */
  readonly sse: boolean;
  /** Tokens that the answer will have if nothing cuts it. */
  readonly tokens: number;
  readonly promptTokens: number;
  /** Unique in this process; for ids. */
  readonly sequence: number;
  /** Unix time, seconds. */
  readonly createdS: number;
}

/** An answer in pieces. All of it is ASCII, so that one character is one byte. */
export interface StreamPlan {
  readonly kind: "stream";
  readonly contentType: string;
  /** Sent with the first token, before it. */
  readonly opening: string;
  /** A token event is `before + token text + after`. */
  readonly before: string;
  readonly after: string;
  /** Sent with the last token, behind it. */
  readonly closing: string;
}

/** An answer in one piece, when its last token would have come (or, where it has no tokens, its first). */
export interface WholePlan {
  readonly kind: "whole";
  readonly hasTokens: boolean;
  /** @param text The tokens' texts, joined. @returns The JSON body, ASCII. */
  readonly render: (text: string) => string;
}

/** Why a request is refused with status 400. */
interface Refusal {
  readonly kind: "refusal";
  readonly message: string;
}

type Plan = StreamPlan | WholePlan | Refusal;

/** One thing that can be asked of a dialect. */
export type Operation = (order: Order) => Plan;

/** The shape of a dialect's errors. @returns JSON, ASCII. */
export type ErrorBody = (status: number, message: string) => string;

export function refusal(message: string): Refusal {
  return { kind: "refusal", message };
}
