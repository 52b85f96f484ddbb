/**
 * Token counts. Anthropic's `input_tokens` leaves out what was read from and written to its cache; the common form has all
 * of it in `inputTokens`.
 */
import type { CommonUsage } from "../common.ts";
import { at, tokenCount } from "../../json-access.ts";

/** What has been reported so far: a later report replaces the figures that it has. */
export class ReportedUsage {
  #uncached: number | undefined;
  #written: number | undefined;
  #cached: number | undefined;
  #output: number | undefined;
  #thinking: number | undefined;

  /** @param usage of `message`, `message_start` or `message_delta`. */
  add(usage: unknown): void {
    this.#uncached = tokenCount(at(usage, "input_tokens")) ?? this.#uncached;
    this.#written = tokenCount(at(usage, "cache_creation_input_tokens")) ?? this.#written;
    this.#cached = tokenCount(at(usage, "cache_read_input_tokens")) ?? this.#cached;
    this.#output = tokenCount(at(usage, "output_tokens")) ?? this.#output;
    this.#thinking = tokenCount(at(usage, "output_tokens_details", "thinking_tokens")) ?? this.#thinking;
  }

  /** What is known. */
  partial(): Partial<CommonUsage> {
    return {
      ...(this.#uncached === undefined
        ? {}
        : { inputTokens: this.#uncached + (this.#written ?? 0) + (this.#cached ?? 0) }),
      ...(this.#output === undefined ? {} : { outputTokens: this.#output }),
      ...(this.#cached === undefined ? {} : { cachedInputTokens: this.#cached }),
      ...(this.#written === undefined ? {} : { cacheWriteTokens: this.#written }),
      ...(this.#thinking === undefined ? {} : { reasoningTokens: this.#thinking }),
    };
  }

  /** Once input and output are known. */
  whole(): CommonUsage | undefined {
    const { inputTokens, outputTokens, ...parts } = this.partial();
    return inputTokens === undefined || outputTokens === undefined
      ? undefined
      : { inputTokens, outputTokens, ...parts };
  }
}

/** The usage object of `message`, `message_start` and `message_delta`. What the upstream does not say is 0: the API has to say a number. */
export function writeUsage(usage: Partial<CommonUsage> = {}): Readonly<Record<string, unknown>> {
  const cached = usage.cachedInputTokens ?? 0;
  const written = usage.cacheWriteTokens ?? 0;
  return {
    input_tokens: Math.max(0, (usage.inputTokens ?? 0) - cached - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    output_tokens: usage.outputTokens ?? 0,
    output_tokens_details: usage.reasoningTokens === undefined ? null : { thinking_tokens: usage.reasoningTokens },
    server_tool_use: null,
  };
}
