/**
 * Writes the stream of `streamGenerateContent`: with `alt=sse` events, else the elements of one JSON array. Each is an answer
 * by itself that holds what is new; the one with a finish reason is the last.
 *
 * Gemini's SDKs take a call whole, so the pieces of its arguments are gathered until it is.
 */
import { statusName } from "../../gemini/dialect.ts";
import { argumentsObject } from "../call-arguments.ts";
import type { CommonEvent, CommonUsage, ReasoningSignature, StopReason } from "../common.ts";
import type { AnswerContext, StreamWriter } from "../translation.ts";
import { writeLogprobs } from "./logprobs.ts";
import { badCall, writeLastCandidate, writeTail } from "./write-answer.ts";
import { anySignature, writeMedia } from "./write-parts.ts";
import type { Part } from "./write-parts.ts";

/** Of the arguments that one answer's calls may have while they are gathered. */
const MAX_ARGUMENTS_CHARACTERS = 4 * 1024 * 1024;

interface OpenCall {
  readonly id: string;
  readonly name: string;
  readonly signature: ReasoningSignature | undefined;
  json: string;
  /** How much of it has been found to be no whole object. */
  partialCharacters: number;
}

/** One stream's. See {@link StreamWriter}. */
export class GeminiWriter implements StreamWriter {
  failed = false;
  readonly #isArray: boolean;
  #head: { readonly id: string; readonly model: string };
  /** What stands behind the text in each event. */
  #behind: string;
  #isBegun = false;
  #isOver = false;
  readonly #calls = new Map<number, OpenCall>();
  #argumentsCharacters = 0;
  #bad: string | undefined;
  #usage: Partial<CommonUsage> | undefined;
  #stopReason: StopReason | undefined;

  constructor({ model, framing }: AnswerContext) {
    this.#isArray = framing === "json_array";
    this.#head = { id: "", model };
    this.#behind = this.#writtenBehind();
  }

  write(event: CommonEvent): string {
    if (this.#isOver) return "";
    switch (event.kind) {
      case "start":
        this.#head = { id: event.id, model: event.model || this.#head.model };
        this.#behind = this.#writtenBehind();
        return "";
      case "text":
        return event.logprobs === undefined ? this.#text(event.text) : this.#textWithLogprobs(event);
      case "refusal":
        return this.#text(event.text);
      case "tool_call":
        return this.#begin(event);
      case "tool_arguments":
        return this.#gather(event.index, event.json);
      case "usage":
        this.#usage = { ...this.#usage, ...event.usage };
        return "";
      case "finish":
        this.#stopReason = event.stopReason;
        return this.#restOfCalls();
      case "end":
        return this.#end();
      case "error":
        return this.#error(event.message, event.status);
      case "reasoning":
      case "reasoning_signature":
      case "image":
        break;
    }
    return this.#wholeCalls() + this.#otherPart(event);
  }

  #otherPart(event: Extract<CommonEvent, { kind: "reasoning" | "reasoning_signature" | "image" }>): string {
    if (event.kind === "image") return this.#part(writeMedia(event.source, "image/png"));
    if (event.kind === "reasoning") return event.text === "" ? "" : this.#part({ text: event.text, thought: true });
    const proof = { text: "", thoughtSignature: anySignature(event.signature) };
    return this.#part(event.signature.family === "gemini" ? proof : { ...proof, thought: true });
  }

  #text(text: string): string {
    if (text === "") return "";
    return (
      this.#wholeCalls() +
      this.#framed(`{"candidates":[{"content":{"parts":[{"text":${JSON.stringify(text)}${this.#behind}`)
    );
  }

  /** The end of an event with one part, from behind that part's text. */
  #writtenBehind(): string {
    const tail = JSON.stringify(writeTail(undefined, this.#head)).slice(1);
    return `}],"role":"model"},"index":0}],${tail}`;
  }

  #textWithLogprobs({ text, logprobs }: Extract<CommonEvent, { kind: "text" }>): string {
    const content = { parts: [{ text }], role: "model" };
    const candidate = { content, index: 0, logprobsResult: writeLogprobs(logprobs ?? []) };
    return this.#wholeCalls() + this.#answer({ candidates: [candidate] });
  }

  #begin({ index, id, name, signature }: Extract<CommonEvent, { kind: "tool_call" }>): string {
    const before = this.#wholeCalls();
    this.#calls.set(index, { id, name, signature, json: "", partialCharacters: 0 });
    return before;
  }

  #gather(index: number, json: string): string {
    const call = this.#calls.get(index);
    if (call === undefined) return "";
    this.#argumentsCharacters += json.length;
    if (this.#argumentsCharacters > MAX_ARGUMENTS_CHARACTERS) {
      return this.#error("the arguments of the answer's calls are too long to be gathered", 502);
    }
    call.json += json;
    return "";
  }

  /** The calls that nothing can be added to: their arguments are one whole object. */
  #wholeCalls(): string {
    let text = "";
    for (const [index, call] of this.#calls) {
      if (call.json.length === call.partialCharacters) break;
      if (call.json.trim() === "" || argumentsObject(call.json) === undefined) {
        call.partialCharacters = call.json.length;
        break;
      }
      this.#calls.delete(index);
      text += this.#call(call);
    }
    return text;
  }

  #restOfCalls(): string {
    let text = "";
    for (const call of this.#calls.values()) {
      const bad = badCall(call.name, call.json);
      if (bad === undefined) text += this.#call(call);
      else this.#bad ??= bad;
    }
    this.#calls.clear();
    return text;
  }

  #call({ id, name, json, signature }: OpenCall): string {
    const functionCall = { id, name, args: argumentsObject(json) };
    const proof = signature === undefined ? {} : { thoughtSignature: anySignature(signature) };
    return this.#part({ functionCall, ...proof });
  }

  #part(part: Part): string {
    return this.#answer({ candidates: [{ content: { parts: [part], role: "model" }, index: 0 }] });
  }

  #answer(answer: Readonly<Record<string, unknown>>): string {
    return this.#framed(JSON.stringify({ ...answer, ...writeTail(undefined, this.#head) }));
  }

  #framed(json: string): string {
    if (!this.#isArray) return `data: ${json}\r\n\r\n`;
    const before = this.#isBegun ? ",\r\n" : "[";
    this.#isBegun = true;
    return before + json;
  }

  #end(): string {
    const calls = this.#restOfCalls();
    const candidate = writeLastCandidate([], this.#stopReason ?? "stop", this.#bad);
    const json = JSON.stringify({ candidates: [candidate], ...writeTail(this.#usage, this.#head) });
    return calls + this.#last(json);
  }

  #error(message: string, status: number | undefined): string {
    this.failed = true;
    // Google's SDK takes nothing but these for an error.
    const code = status !== undefined && status >= 400 && status < 600 ? status : 500;
    return this.#last(JSON.stringify({ error: { code, message, status: statusName(code) } }));
  }

  #last(json: string): string {
    this.#isOver = true;
    return this.#framed(json) + (this.#isArray ? "\n]\n" : "");
  }
}
