/** The text that a model reads of a request, piece by piece, and how many tokens frame it. */

/** What a request is written in; `prompt`: the prompt endpoints' own body. */
export type PromptKind = "openai" | "anthropic" | "gemini" | "prompt";

/** See the file's comment. */
export interface PromptText {
  readonly texts: readonly string[];
  /** Tokens that no text says: what frames each message, and prompt tokens that were sent as numbers. */
  readonly extraTokens: number;
}

/**
 * OpenAI's figures (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken): three around each message, one
 * for a name, three that begin the answer. The other APIs publish none; theirs are taken to be alike.
 */
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_NAME = 1;
const TOKENS_OF_ANSWER = 3;

/** Top-level keys whose elements are messages. */
const MESSAGE_KEYS = ["messages", "contents"] as const;
/** Top-level keys of text that stands by itself, or of a list of it. */
const TEXT_KEYS = ["prompt", "input", "instructions", "system", "systemInstruction", "system_instruction"] as const;
/** Described to the model: names count as well. */
const SCHEMA_KEYS = ["tools", "functions"] as const;
/** Members that are told to the API and not to the model, or that are no text. */
const UNREAD_KEYS = new Set([
  "type",
  "id",
  "tool_call_id",
  "tool_use_id",
  "call_id",
  "cache_control",
  "detail",
  "image_url",
  "input_audio",
  "file",
  "source",
  "inlineData",
  "inline_data",
  "fileData",
  "file_data",
  "signature",
  "thoughtSignature",
  "thought_signature",
]);

class Collector {
  readonly texts: string[] = [];
  extraTokens = 0;

  /** Every text below `value`. Bounded in depth by the scan that a body has passed. */
  text(value: unknown): void {
    if (typeof value === "string") this.texts.push(value);
    // Embeddings and old completions take a prompt as token numbers.
    else if (typeof value === "number") this.extraTokens++;
    else if (Array.isArray(value)) for (const element of value) this.text(element);
    else if (typeof value === "object" && value !== null) {
      for (const [key, member] of Object.entries(value)) if (!UNREAD_KEYS.has(key)) this.text(member);
    }
  }

  messages(value: unknown): void {
    for (const message of Array.isArray(value) ? (value as unknown[]) : []) {
      if (typeof message === "object" && message !== null) {
        this.extraTokens += TOKENS_PER_MESSAGE;
        if (Object.hasOwn(message, "name")) this.extraTokens += TOKENS_PER_NAME;
      }
      this.text(message);
    }
    this.extraTokens += TOKENS_OF_ANSWER;
  }

  /** Names and texts; how a provider writes the rest of a schema for its model is not published. */
  schema(value: unknown): void {
    if (Array.isArray(value)) for (const element of value) this.schema(element);
    else if (typeof value === "object" && value !== null) {
      for (const [key, member] of Object.entries(value)) {
        this.texts.push(key);
        this.schema(member);
      }
    } else this.text(value);
  }
}

/** Gemini's count takes a whole request by this name, too. */
const COUNTED_KEYS = ["generateContentRequest", "generate_content_request"] as const;

/** @param body parsed. */
export function promptText(body: Readonly<Record<string, unknown>>, kind: PromptKind): PromptText {
  const collector = new Collector();
  if (kind === "prompt") collector.messages([{ role: "user", content: body["prompt"] }]);
  else collectRequest(collector, body);
  // Beside the body's own text: where it does not belong it must not hide that.
  const counted = kind === "gemini" ? COUNTED_KEYS.map((key) => body[key]) : [];
  for (const request of counted) {
    if (typeof request === "object" && request !== null) collectRequest(collector, request as typeof body);
  }
  return collector;
}

function collectRequest(collector: Collector, request: Readonly<Record<string, unknown>>): void {
  for (const key of MESSAGE_KEYS) if (Object.hasOwn(request, key)) collector.messages(request[key]);
  for (const key of TEXT_KEYS) if (Object.hasOwn(request, key)) collector.text(request[key]);
  for (const key of SCHEMA_KEYS) if (Object.hasOwn(request, key)) collector.schema(request[key]);
}
