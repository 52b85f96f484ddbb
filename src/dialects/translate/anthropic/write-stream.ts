/**
 * A stream as callers of this API get it (https://platform.claude.com/docs/en/build-with-claude/streaming): blocks one after
 * the other, each whole before the next begins.
 *
 * Upstreams may write several tool calls at a time. A call whose turn has not come waits: until the one before it is whole
 * JSON, or something else comes.
 */
import type { CommonEvent, CommonUsage, ReasoningSignature, StopReason } from "../common.ts";
import type { AnswerContext, StreamWriter } from "../translation.ts";
import { errorTypeOf } from "./error-type.ts";
import { JsonEnd } from "./json-end.ts";
import { writeSignature } from "./signature.ts";
import { writeStop } from "./stop-reason.ts";
import { writeUsage } from "./usage.ts";
import { pictureText } from "./write-answer.ts";

/** Of all tool calls that wait for their turn. */
const MAX_WAITING_CHARACTERS = 1024 * 1024;

type CallEvent = Extract<CommonEvent, { kind: "tool_call" }>;

/** A tool call that is open, or waits. */
interface Call {
  readonly event: CallEvent;
  readonly json: JsonEnd;
  /** Arguments that have not been written. */
  waiting: string;
}

type Open = { readonly kind: "text" | "thinking" } | { readonly kind: "tool_use"; readonly call: Call };

/** See {@link StreamWriter}. */
export class AnthropicStreamWriter implements StreamWriter {
  failed = false;
  readonly #context: AnswerContext;
  #out = "";
  #over = false;
  /** The next block's. */
  #index = 0;
  #open: Open | undefined;
  #waiting: Call[] = [];
  #waitingCharacters = 0;
  #calledTools = false;
  #usage: Partial<CommonUsage> = {};
  #stop: { readonly reason: StopReason; readonly sequence: string | undefined } = {
    reason: "stop",
    sequence: undefined,
  };

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  write(event: CommonEvent): string {
    if (this.#over) return "";
    this.#out = "";
    this.#take(event);
    return this.#out;
  }

  #take(event: CommonEvent): void {
    switch (event.kind) {
      case "start":
        return this.#start(event);
      case "text":
      case "refusal":
        return this.#text(event.text);
      case "reasoning":
        return this.#reasoning(event.text);
      case "reasoning_signature":
        return this.#signature(event.signature);
      case "tool_call":
        return this.#call(event);
      case "tool_arguments":
        return this.#arguments(event.index, event.json);
      case "image":
        return this.#text(pictureText(event.source));
      case "usage":
        this.#usage = { ...this.#usage, ...event.usage };
        return;
      case "finish":
        this.#stop = { reason: event.stopReason, sequence: event.stopSequence };
        return;
      case "end":
        return this.#end();
      case "error":
        return this.#fail(event.message, event.status);
    }
  }

  #start({ id, model }: Extract<CommonEvent, { kind: "start" }>): void {
    const message = {
      id,
      type: "message",
      role: "assistant",
      model: model === "" ? this.#context.model : model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      container: null,
      usage: writeUsage(this.#usage),
    };
    this.#event("message_start", { message });
  }

  #text(text: string): void {
    if (text === "") return;
    if (this.#open?.kind !== "text") this.#begin({ kind: "text" }, { type: "text", text: "" });
    this.#delta("text_delta", "text", text);
  }

  #reasoning(text: string): void {
    if (text === "") return;
    this.#openThinking();
    this.#delta("thinking_delta", "thinking", text);
  }

  #signature(signature: ReasoningSignature): void {
    if (signature.redacted === true) return this.#whole(writeSignature(signature, false));
    this.#openThinking();
    this.#delta("signature_delta", "signature", writeSignature(signature, false));
    this.#close();
  }

  #openThinking(): void {
    if (this.#open?.kind === "thinking") return;
    this.#begin({ kind: "thinking" }, { type: "thinking", thinking: "", signature: "" });
  }

  /** A block that is whole as it begins. */
  #whole(data: string): void {
    this.#settleCalls();
    this.#close();
    this.#event("content_block_start", { index: this.#index, content_block: { type: "redacted_thinking", data } });
    this.#event("content_block_stop", { index: this.#index++ });
  }

  #call(event: CallEvent): void {
    this.#calledTools = true;
    const call = { event, json: new JsonEnd(), waiting: "" };
    const open = this.#open;
    if (open?.kind === "tool_use" && (this.#waiting.length > 0 || !open.call.json.isWhole)) this.#waiting.push(call);
    else this.#beginCall(call);
  }

  #arguments(index: number, json: string): void {
    const open = this.#open;
    if (open?.kind === "tool_use" && open.call.event.index === index) {
      this.#delta("input_json_delta", "partial_json", json);
      open.call.json.push(json);
      while (this.#open?.kind === "tool_use" && this.#open.call.json.isWhole && this.#waiting.length > 0) this.#next();
      return;
    }
    const call = this.#waiting.find(({ event }) => event.index === index);
    if (call === undefined) return;
    call.waiting += json;
    call.json.push(json);
    this.#waitingCharacters += json.length;
    if (this.#waitingCharacters > MAX_WAITING_CHARACTERS) {
      this.#fail("The upstream writes too many tool calls at a time.", 502);
    }
  }

  /** What comes next is no tool call: those that wait are as whole as they will be. */
  #settleCalls(): void {
    while (this.#waiting.length > 0) this.#next();
  }

  #next(): void {
    this.#beginCall(this.#waiting.shift()!);
  }

  #beginCall(call: Call): void {
    const { id, name, signature } = call.event;
    this.#close();
    if (signature !== undefined) {
      const block = { type: "redacted_thinking", data: writeSignature(signature, true) };
      this.#event("content_block_start", { index: this.#index, content_block: block });
      this.#event("content_block_stop", { index: this.#index++ });
    }
    this.#open = { kind: "tool_use", call };
    this.#event("content_block_start", {
      index: this.#index,
      content_block: { type: "tool_use", id, name, input: {} },
    });
    if (call.waiting === "") return;
    this.#waitingCharacters -= call.waiting.length;
    this.#delta("input_json_delta", "partial_json", call.waiting);
    call.waiting = "";
  }

  #begin(open: Open, block: object): void {
    this.#settleCalls();
    this.#close();
    this.#open = open;
    this.#event("content_block_start", { index: this.#index, content_block: block });
  }

  /** One for each token: written by hand it costs a third of what an object does that is made anew each time. */
  #delta(type: string, field: string, text: string): void {
    const head = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${this.#index},"delta":`;
    this.#out += `${head}{"type":"${type}","${field}":${JSON.stringify(text)}}}\n\n`;
  }

  #close(): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    this.#event("content_block_stop", { index: this.#index++ });
  }

  #end(): void {
    this.#settleCalls();
    this.#close();
    const delta = { ...writeStop(this.#stop.reason, this.#stop.sequence, this.#calledTools), container: null };
    this.#event("message_delta", { delta, usage: writeUsage(this.#usage) });
    this.#event("message_stop", {});
    this.#over = true;
  }

  #fail(message: string, status: number | undefined): void {
    this.#event("error", { error: { type: errorTypeOf(status), message } });
    this.#over = true;
    this.failed = true;
    this.#waiting = [];
  }

  #event(type: string, fields: object): void {
    this.#out += `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  }
}
