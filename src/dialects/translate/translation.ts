/** The ports of translation: what each dialect implements, and how what can't be carried is said. */
import type { CommonAnswer, CommonEvent, CommonRequest } from "./common.ts";
import type { Places } from "./places.ts";
import type { Thoughts } from "./thoughts.ts";

/** A field that has no place on the other side. */
export interface Loss {
  /**
   * Where it stands in the caller's request, such as `messages[0].content[1].input_audio`. A writer of requests names it as the
   * common form does, such as `messages[0].parts[1].detail` (`field-names.ts` has the caller's name for it).
   */
  readonly field: string;
  /** Without a field's name of its own, such as "the upstream's API (gemini) has none". */
  readonly reason: string;
  /** Losing it would falsify the conversation: refused even where the config says `translate: lenient`. */
  readonly essential?: boolean;
  /** Never refused, only named in `x-headwaiter-dropped`: no answer is wrong without it, such as citations. */
  readonly warning?: boolean;
}

/** A request that is not what its API says: wrong type, missing field. */
export interface RequestFault {
  /** Path of the field. */
  readonly field: string;
  readonly message: string;
}

/** A body read into the common form, with what had no place in it. */
export type ReadRequest =
  | {
      readonly ok: true;
      readonly request: CommonRequest;
      readonly losses: readonly Loss[];
      readonly places: Places;
      /** See {@link AnswerContext.thoughts}. */
      readonly thoughts: Thoughts;
      /** What this API repeats of a request in its answers; see {@link AnswerContext.echo}. Of bounded size. */
      readonly echo?: Readonly<Record<string, unknown>>;
    }
  | { readonly ok: false; readonly fault: RequestFault };

/** A request as an upstream takes it, with what that has no place for. */
export interface WrittenRequest {
  /** Below the endpoint's base URL, with a slash at its beginning. */
  readonly path: string;
  /** Flat pairs, names in lower case. */
  readonly headers: readonly string[];
  /** To be sent as JSON. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly losses: readonly Loss[];
}

/** One upstream event, as its API frames it. */
export interface WireEvent {
  /** The `event:` field; empty where there was none. */
  readonly type: string;
  /** The `data:` field. */
  readonly data: string;
}

/** Reads an upstream's stream. Stateful: one for each stream. Never throws on what an upstream sends. */
export interface StreamReader {
  /** The common events that `event` means; none for what is not known. An unreadable one is an `error` event. */
  read(event: WireEvent): readonly CommonEvent[];
  /** The connection has ended as HTTP has it: what is still owed (`end`, where the API has no end of its own). */
  end(): readonly CommonEvent[];
}

/** Writes a caller's stream. Stateful: one for each stream; legal event order is its business. */
export interface StreamWriter {
  /** Bytes for the caller, as text; empty where the event means nothing to it. */
  write(event: CommonEvent): string;
  /** It has ended the stream with an error, be it one of its own: an answer too large to be written in its API. */
  readonly failed: boolean;
}

/** What a writer of answers has to know of the request. */
export interface AnswerContext {
  /** The model's name as the caller wrote it. */
  readonly model: string;
  readonly wantsUsage: boolean;
  /** Gemini: `alt=sse`, or a JSON array. */
  readonly framing: "sse" | "json_array";
  /**
   * How much the caller is told of what the model thinks. The rest never reaches a writer.
   * @default "told"
   */
  readonly thoughts?: Thoughts;
  /** OpenAI responses: what its reader of requests gave as {@link ReadRequest}'s `echo`. */
  readonly echo?: Readonly<Record<string, unknown>> | undefined;
}

/** The caller's side of an API: its requests are read, its answers written. */
export interface FrontTranslation {
  /** @param body parsed JSON, of at most 256 KiB on the loop. @param path what the route's path says, such as the model. */
  readRequest(body: unknown, path: { readonly model?: string; readonly stream?: boolean }): ReadRequest;
  /** A whole answer's JSON body. */
  writeAnswer(answer: CommonAnswer, context: AnswerContext): Readonly<Record<string, unknown>>;
  createWriter(context: AnswerContext): StreamWriter;
}

/** The upstream's side of an API: its requests are written, its answers read. */
export interface BackTranslation {
  writeRequest(request: CommonRequest): WrittenRequest;
  /** @param body parsed JSON. @returns `undefined` where it is no answer of this API. */
  readAnswer(body: unknown): CommonAnswer | undefined;
  createReader(): StreamReader;
  /** The most that one event of its streams may have. */
  readonly maxEventBytes: number;
}
