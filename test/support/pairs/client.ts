/** What every SDK of the pairs is asked to do. */
import type { Said } from "./scene.ts";

/** One turn of a user's. */
export interface Question {
  readonly text: string;
  /** A picture, in base64 of either alphabet. */
  readonly image?: { readonly mediaType: string; readonly data: string };
  readonly tools?: boolean;
  readonly schema?: boolean;
  readonly thinks?: boolean;
  /** What {@link Reply.history} was, with the results of its calls, in their order. */
  readonly after?: { readonly history: unknown; readonly results: readonly string[]; readonly said: Said };
  readonly signal?: AbortSignal;
  /** Called with each piece of text, where it is streamed. */
  readonly onText?: (piece: string) => void;
}

/** What came of it. */
export interface Reply {
  readonly said: Said;
  /** The conversation so far, as a user of the SDK keeps it. */
  readonly history: unknown;
}

/** An error as its SDK's users get to see it. */
export interface SeenError {
  /** The SDK's own class. */
  readonly name: string;
  readonly status: number | undefined;
  readonly message: string;
  /** Where the SDK shows headers. */
  readonly retryAfter: string | undefined;
}

/** One SDK, pointed at an address. */
export interface PairClient {
  readonly name: string;
  /** Of the API that it speaks. */
  readonly dialect: "openai" | "anthropic" | "gemini";
  /** Whether it tells thoughts. */
  readonly showsThoughts: boolean;
  ask(question: Question, stream: boolean): Promise<Reply>;
  /** @returns what its users can tell of an error. */
  seen(error: unknown): SeenError;
  /** Names of the SDK's classes by status; in the middle of a stream under 0. */
  readonly classes: Readonly<Record<number, string>>;
}

/** @param pieces of JSON. */
export const parsed = (json: string): unknown => JSON.parse(json === "" ? "{}" : json) as unknown;
