/** An upstream's stream (https://platform.claude.com/docs/en/build-with-claude/streaming), as common events. */
import type { CommonEvent } from "../common.ts";
import { at, elements, hasContent, parseJson } from "../../json-access.ts";
import { argumentsText, parseExactly } from "../call-arguments.ts";
import { isRecord } from "../json-pick.ts";
import type { StreamReader, WireEvent } from "../translation.ts";
import { statusOf } from "./error-type.ts";
import { textOf } from "./read-answer.ts";
import { readStopReason } from "./stop-reason.ts";
import { ReportedUsage } from "./usage.ts";

const NOTHING: readonly CommonEvent[] = [];
const BROKEN_STATUS = 502;
/** What the events say that are read. Others (`ping`, and what is yet to come) are passed over unparsed. */
const READ_TYPES: ReadonlySet<string> = new Set([
  "message_start",
  "content_block_start",
  "content_block_delta",
  "content_block_stop",
  "message_delta",
  "message_stop",
  "error",
]);

/** More than any model writes at a time: Anthropic has one. */
const MAX_OPEN_BLOCKS = 256;

/** A content block that is open and has a place elsewhere. */
type Block =
  | { readonly kind: "text" }
  | { readonly kind: "thinking"; signature: string }
  /** `input`: what the block began with, which counts where no more of it comes. */
  | { readonly kind: "tool_use"; readonly index: number; readonly input: unknown; streamed: boolean };

/** See {@link StreamReader}. */
export class AnthropicStreamReader implements StreamReader {
  readonly #usage = new ReportedUsage();
  #started = false;
  #over = false;
  #toolCalls = 0;
  /** By index: who speaks this API may write several at a time. */
  readonly #blocks = new Map<unknown, Block>();

  read(event: WireEvent): readonly CommonEvent[] {
    if (this.#over || (event.type !== "" && !READ_TYPES.has(event.type))) return NOTHING;
    // A call may begin with its arguments, whose numbers must stay as they are; all else of them comes as text.
    const data = event.data.includes('"tool_use"') ? parseExactly(event.data) : parseJson(event.data);
    // A gateway in between may leave out the `event:` line, or say it in the error alone.
    const type = isRecord(data) ? (data["type"] ?? event.type) : event.type;
    if (event.type === "error" || type === "error") return this.#fail(at(data, "error"), event.data);
    if (data === undefined) return this.#break("The upstream's stream has an event that is not JSON.");
    if (!isRecord(data)) return NOTHING;
    if (type === "message_start") return this.#start(data["message"]);
    // Nothing can come before it.
    if (!this.#started) return NOTHING;
    if (type === "content_block_delta") return this.#delta(data["index"], data["delta"]);
    if (type === "content_block_start") return this.#open(data["index"], data["content_block"]);
    if (type === "content_block_stop") return this.#close(data["index"]);
    if (type === "message_delta") return this.#finish(data);
    return type === "message_stop" ? this.#end() : NOTHING;
  }

  /** The API has an end of its own: a stream without it is not complete. */
  end(): readonly CommonEvent[] {
    return NOTHING;
  }

  #start(message: unknown): readonly CommonEvent[] {
    // What has been passed on can't be taken back.
    if (this.#started) return this.#break("The upstream began its answer a second time.");
    this.#started = true;
    this.#usage.add(at(message, "usage"));
    const id = textOf(at(message, "id"));
    const model = textOf(at(message, "model"));
    const events: CommonEvent[] = [{ kind: "start", id, model, createdSeconds: Math.floor(Date.now() / 1000) }];
    // An answer may go on from what it had before its tools were called.
    for (const [place, block] of elements(at(message, "content")).entries()) {
      events.push(...this.#open(place, block), ...this.#close(place));
    }
    events.push({ kind: "usage", usage: this.#usage.partial() });
    return events;
  }

  #open(place: unknown, block: unknown): readonly CommonEvent[] {
    if (this.#blocks.size >= MAX_OPEN_BLOCKS) return this.#break("The upstream writes too many blocks at a time.");
    switch (at(block, "type")) {
      case "text":
        this.#blocks.set(place, { kind: "text" });
        return piece("text", at(block, "text"));
      case "thinking":
        this.#blocks.set(place, { kind: "thinking", signature: textOf(at(block, "signature")) });
        return piece("reasoning", at(block, "thinking"));
      case "redacted_thinking": {
        const signature = { family: "anthropic" as const, data: textOf(at(block, "data")), redacted: true };
        return [{ kind: "reasoning_signature", signature }];
      }
      case "tool_use": {
        const index = this.#toolCalls++;
        this.#blocks.set(place, { kind: "tool_use", index, input: at(block, "input"), streamed: false });
        return [{ kind: "tool_call", index, id: textOf(at(block, "id")), name: textOf(at(block, "name")) }];
      }
      default:
        return NOTHING;
    }
  }

  #delta(place: unknown, delta: unknown): readonly CommonEvent[] {
    const block = this.#blocks.get(place);
    if (block === undefined || !isRecord(delta)) return NOTHING;
    if (block.kind === "text") return piece("text", delta["text"]);
    if (block.kind === "thinking") {
      block.signature = textOf(delta["signature"]) || block.signature;
      return piece("reasoning", delta["thinking"]);
    }
    const json = textOf(delta["partial_json"]);
    if (json === "") return NOTHING;
    block.streamed = true;
    return [{ kind: "tool_arguments", index: block.index, json }];
  }

  #close(place: unknown): readonly CommonEvent[] {
    const block = this.#blocks.get(place);
    this.#blocks.delete(place);
    if (block?.kind === "thinking" && block.signature !== "") {
      return [{ kind: "reasoning_signature", signature: { family: "anthropic", data: block.signature } }];
    }
    if (block?.kind === "tool_use" && !block.streamed) {
      const json = argumentsText(block.input);
      if (json === undefined) return this.#break("The upstream's tool call has arguments that are nested too deep.");
      return [{ kind: "tool_arguments", index: block.index, json }];
    }
    return NOTHING;
  }

  /** What an upstream has not closed before the end. */
  #closeAll(): CommonEvent[] {
    return [...this.#blocks.keys()].flatMap((place) => this.#close(place));
  }

  #finish(data: unknown): readonly CommonEvent[] {
    const closed = this.#closeAll();
    this.#usage.add(at(data, "usage"));
    const usage: CommonEvent = { kind: "usage", usage: this.#usage.partial() };
    const delta = at(data, "delta");
    if (!hasContent(at(delta, "stop_reason"))) return [...closed, usage];
    const refusal = piece("refusal", at(delta, "stop_details", "explanation"));
    const stopSequence = at(delta, "stop_sequence");
    const finish: CommonEvent = {
      kind: "finish",
      stopReason: readStopReason(at(delta, "stop_reason")),
      ...(typeof stopSequence === "string" ? { stopSequence } : {}),
    };
    return [...closed, ...refusal, usage, finish];
  }

  #end(): readonly CommonEvent[] {
    const closed = this.#closeAll();
    this.#over = true;
    return [...closed, { kind: "end" }];
  }

  #fail(error: unknown, data: string): readonly CommonEvent[] {
    this.#over = true;
    const message = textOf(at(error, "message")) || data || "The upstream's stream failed.";
    return [{ kind: "error", message, status: statusOf(at(error, "type")) }];
  }

  #break(message: string): readonly CommonEvent[] {
    this.#over = true;
    return [{ kind: "error", message, status: BROKEN_STATUS }];
  }
}

function piece(kind: "text" | "reasoning" | "refusal", text: unknown): readonly CommonEvent[] {
  return typeof text === "string" && text !== "" ? [{ kind, text }] : NOTHING;
}
