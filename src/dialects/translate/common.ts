/**
 * The common form: what a conversation, an answer and a stream are, whatever API they are written in.
 *
 * A dialect is read into it and written from it, one direction a file; no file knows two dialects. It carries what at least
 * two of them can say, and what must be refused by name rather than lost. What only one of them has stays out: such a field
 * is refused (or dropped, with its name in `x-headwaiter-dropped`) where it is read.
 */

/** A mark that the prefix up to here should be cached. */
export interface CacheMark {
  /** `undefined`: the provider's own. */
  readonly ttl: "5m" | "1h" | undefined;
}

/** Bytes in standard base64 with padding, whatever alphabet they came in; or an address that the provider fetches. */
export type MediaSource =
  | { readonly kind: "base64"; readonly mediaType: string; readonly data: string }
  /** `mediaType` where the sender said it. */
  | { readonly kind: "url"; readonly url: string; readonly mediaType: string | undefined };

interface Cacheable {
  readonly cache?: CacheMark;
}

export interface TextPart extends Cacheable {
  readonly kind: "text";
  readonly text: string;
}

export interface ImagePart extends Cacheable {
  readonly kind: "image";
  readonly source: MediaSource;
  /** OpenAI's `detail`. */
  readonly detail?: "auto" | "low" | "high";
}

/** A file to be read, such as a PDF or plain text. */
export interface DocumentPart extends Cacheable {
  readonly kind: "document";
  readonly source: MediaSource;
  readonly name?: string;
}

export interface AudioPart {
  readonly kind: "audio";
  readonly source: MediaSource;
}

/** The model's thoughts. `signature` is the provider's proof of them and goes back to the same family alone. */
export interface ReasoningPart {
  readonly kind: "reasoning";
  /** Empty where the provider keeps the text to itself. */
  readonly text: string;
  readonly signature?: ReasoningSignature;
}

/** Opaque; whoever made it is the only one who can read it. */
export interface ReasoningSignature {
  readonly family: "openai" | "anthropic" | "gemini";
  readonly data: string;
  /** Anthropic's `redacted_thinking`: there is no text, only this. */
  readonly redacted?: boolean;
}

export interface ToolCallPart extends Cacheable {
  readonly kind: "tool_call";
  readonly id: string;
  readonly name: string;
  /** JSON text, as the model wrote it. Of an object; `"{}"` where there are none. */
  readonly arguments: string;
  /** Gemini's thought signature of this call. */
  readonly signature?: ReasoningSignature;
}

export interface ToolResultPart extends Cacheable {
  readonly kind: "tool_result";
  /** The call's. */
  readonly id: string;
  /** The tool's, where the sender's API says it or an earlier message told. */
  readonly name: string | undefined;
  readonly content: readonly (TextPart | ImagePart | DocumentPart)[];
  readonly isError: boolean;
}

/** The model would not. */
export interface RefusalPart {
  readonly kind: "refusal";
  readonly text: string;
}

export type UserPart = TextPart | ImagePart | DocumentPart | AudioPart | ToolResultPart;
export type AssistantPart = TextPart | ReasoningPart | ToolCallPart | RefusalPart | ImagePart;

/** One turn. Neighbours may have the same role; a writer joins them where its API forbids that. */
export type Message =
  | { readonly role: "user"; readonly parts: readonly UserPart[] }
  | { readonly role: "assistant"; readonly parts: readonly AssistantPart[] };

export interface Tool extends Cacheable {
  readonly name: string;
  readonly description: string | undefined;
  /** JSON Schema of an object; `undefined`: takes no arguments. */
  readonly parameters: Readonly<Record<string, unknown>> | undefined;
  readonly strict?: boolean;
}

export type ToolChoice =
  | { readonly kind: "auto" | "none" | "required" }
  /** One of these; with one name, that one. */
  | { readonly kind: "named"; readonly names: readonly string[] };

export type OutputFormat =
  | { readonly kind: "text" | "json" }
  | {
      readonly kind: "schema";
      /** JSON Schema. */
      readonly schema: Readonly<Record<string, unknown>>;
      readonly name: string | undefined;
      readonly description?: string;
      readonly strict?: boolean;
    };

/** How much a model may think. Where both are given the budget is the more exact. */
export interface Reasoning {
  readonly effort?: "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";
  readonly budgetTokens?: number;
  /** Whether the caller wants to see the thoughts, or a summary of them. */
  readonly visible?: boolean;
}

/** A request to a model. `undefined` everywhere: not said, so the provider's default holds. */
export interface CommonRequest {
  readonly model: string;
  readonly stream: boolean;
  /** The caller wants the usage at the end of its stream (OpenAI's `include_usage`; the others always do). */
  readonly wantsUsage: boolean;
  readonly system: readonly TextPart[];
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly toolChoice: ToolChoice | undefined;
  readonly parallelToolCalls: boolean | undefined;
  /** Of output. */
  readonly maxTokens: number | undefined;
  readonly temperature: number | undefined;
  readonly topP: number | undefined;
  readonly topK: number | undefined;
  readonly seed: number | undefined;
  readonly presencePenalty: number | undefined;
  readonly frequencyPenalty: number | undefined;
  readonly stop: readonly string[];
  readonly outputFormat: OutputFormat | undefined;
  readonly reasoning: Reasoning | undefined;
  /** `top`: how many alternatives for each token, 0–20. */
  readonly logprobs: { readonly top: number } | undefined;
  /** Who the end user is, for the provider's abuse checks. */
  readonly userId: string | undefined;
}

/** Why the model stopped. */
export type StopReason =
  | "stop"
  /** One of the caller's stop sequences. */
  | "stop_sequence"
  | "length"
  | "tool_calls"
  /** The provider cut it for its content. */
  | "filtered"
  /** The model would not. */
  | "refusal";

/** All inclusive: `cachedInputTokens` and `cacheWriteTokens` are parts of `inputTokens`, `reasoningTokens` of `outputTokens`. */
export interface CommonUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
}

export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[];
  readonly top: readonly { readonly token: string; readonly logprob: number; readonly bytes?: readonly number[] }[];
}

/** A whole answer. */
export interface CommonAnswer {
  readonly id: string;
  /** As the upstream named it. */
  readonly model: string;
  /** Seconds since 1970. */
  readonly createdSeconds: number;
  readonly parts: readonly AssistantPart[];
  readonly stopReason: StopReason;
  readonly stopSequence?: string;
  readonly usage: CommonUsage | undefined;
  readonly logprobs?: readonly TokenLogprob[];
  /** What the upstream said that has no place here, by its own names, such as `content[].citations`. */
  readonly dropped?: readonly string[];
}

/**
 * One event of a stream. In order: `start`; then parts, one open at a time as far as text and reasoning go, tool calls told
 * apart by `index`; `finish`; `end`. After `error` nothing comes.
 */
export type CommonEvent =
  | { readonly kind: "start"; readonly id: string; readonly model: string; readonly createdSeconds: number }
  | { readonly kind: "text"; readonly text: string; readonly logprobs?: readonly TokenLogprob[] }
  | { readonly kind: "refusal"; readonly text: string }
  | { readonly kind: "reasoning"; readonly text: string }
  /** Ends the reasoning part that is open, or is one by itself. */
  | { readonly kind: "reasoning_signature"; readonly signature: ReasoningSignature }
  /** `index` counts the answer's tool calls from 0. */
  | {
      readonly kind: "tool_call";
      readonly index: number;
      readonly id: string;
      readonly name: string;
      readonly signature?: ReasoningSignature;
    }
  /** A piece of the JSON text. */
  | { readonly kind: "tool_arguments"; readonly index: number; readonly json: string }
  /** A whole picture that the model made. */
  | { readonly kind: "image"; readonly source: MediaSource }
  /** What is known so far; a later one replaces it, field by field. May come at any time before `end`. */
  | { readonly kind: "usage"; readonly usage: Partial<CommonUsage> }
  | { readonly kind: "finish"; readonly stopReason: StopReason; readonly stopSequence?: string }
  /** The stream is complete. Exactly one, last. */
  | { readonly kind: "end" }
  /** The upstream's own failure, in the middle of its stream. `code`: ours (`upstream_disconnected`), where it is the relay that says so. */
  | { readonly kind: "error"; readonly message: string; readonly status: number | undefined; readonly code?: string };
