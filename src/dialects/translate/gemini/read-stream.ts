/** Reads the events of `streamGenerateContent?alt=sse`: each is an answer by itself that holds what is new. */
import { at, elements, hasContent, parseJson } from "../../json-access.ts";
import { argumentsText, parseExactly } from "../call-arguments.ts";
import type { CommonEvent, CommonUsage } from "../common.ts";
import { isRecord } from "../json-pick.ts";
import type { StreamReader, WireEvent } from "../translation.ts";
import { readLogprobs } from "./logprobs.ts";
import { PartialArguments } from "./partial-arguments.ts";
import { callIdOf, finishReasonOf, firstCandidate, pictureOf, readHead, signatureOf } from "./read-answer.ts";
import { readStopReason } from "./stop-reason.ts";
import { readUsage } from "./usage.ts";

const TOO_DEEP = "the arguments of a call in the upstream's stream are nested too deep";

/** One stream's. See {@link StreamReader}. */
export class GeminiReader implements StreamReader {
  #answerId: string | undefined;
  #calls = 0;
  /** The call whose arguments come in pieces. */
  #open: { readonly index: number; readonly pieces: PartialArguments } | undefined;
  #finishReason: string | undefined;
  #usage: Partial<CommonUsage> | undefined;
  #failed = false;

  read(event: WireEvent): readonly CommonEvent[] {
    if (this.#failed || event.data === "") return [];
    const body = hasWholeArguments(event.data) ? parseExactly(event.data) : parseJson(event.data);
    const events: CommonEvent[] = [];
    if (!isRecord(body)) this.#fail(events, "an event of the upstream is not readable", undefined);
    else if (hasContent(body["error"])) this.#readError(body["error"], events);
    else this.#readBody(body, events);
    return events;
  }

  /** Gemini has no end of its own: a finish reason, and then the connection's. Vertex repeats it in every event. */
  end(): readonly CommonEvent[] {
    if (this.#failed || this.#finishReason === undefined) return [];
    const events: CommonEvent[] = [];
    this.#closeCall(events);
    const stopReason = readStopReason(this.#finishReason, this.#calls > 0);
    return [...events, { kind: "finish", stopReason }, { kind: "end" }];
  }

  #readError(error: unknown, events: CommonEvent[]): void {
    const message = at(error, "message");
    const code = at(error, "code");
    const text = typeof message === "string" && message !== "" ? message : "the upstream reported an error";
    this.#fail(events, text, typeof code === "number" ? code : undefined);
  }

  #fail(events: CommonEvent[], message: string, status: number | undefined): void {
    this.#failed = true;
    events.push({ kind: "error", message, status });
  }

  #readBody(body: Readonly<Record<string, unknown>>, events: CommonEvent[]): void {
    const candidate = firstCandidate(body);
    const finishReason = finishReasonOf(body, candidate);
    if (candidate === undefined && finishReason === undefined && body["usageMetadata"] === undefined) return;
    if (this.#answerId === undefined) {
      const head = readHead(body);
      this.#answerId = head.id;
      events.push({ kind: "start", ...head });
    }
    const logprobs = readLogprobs(candidate?.["logprobsResult"]);
    const before = events.length;
    const content = candidate?.["content"];
    for (const part of isRecord(content) ? elements(content["parts"]) : []) {
      if (isRecord(part)) this.#readPart(part, events);
      if (this.#failed) return;
    }
    if (logprobs !== undefined) {
      const first = events.findIndex((event, i) => i >= before && event.kind === "text");
      const text = events[first];
      if (text?.kind === "text") events[first] = { ...text, logprobs };
      else events.push({ kind: "text", text: "", logprobs });
    }
    this.#finishReason = finishReason ?? this.#finishReason;
    this.#readUsage(body["usageMetadata"], events);
  }

  #readPart(part: Readonly<Record<string, unknown>>, events: CommonEvent[]): void {
    const { functionCall, text } = part;
    if (functionCall !== undefined) return this.#readCall(functionCall, part, events);
    const isThought = part["thought"] === true;
    if (isThought && typeof text === "string" && text !== "") events.push({ kind: "reasoning", text });
    const signature = signatureOf(part);
    // Before the text that it stands with, so that it closes the thoughts that led there.
    if (signature !== undefined) events.push({ kind: "reasoning_signature", signature });
    if (isThought) return;
    if (typeof text === "string" && text !== "") events.push({ kind: "text", text });
    const source = pictureOf(part);
    if (source !== undefined) events.push({ kind: "image", source });
  }

  #readCall(call: unknown, part: Readonly<Record<string, unknown>>, events: CommonEvent[]): void {
    const name = at(call, "name");
    if (typeof name === "string" && name !== "") {
      this.#closeCall(events);
      const index = this.#calls++;
      const id = callIdOf(at(call, "id"), index, this.#answerId!);
      const signature = signatureOf(part);
      events.push({ kind: "tool_call", index, id, name, ...(signature === undefined ? {} : { signature }) });
      const args = at(call, "args");
      if (at(call, "willContinue") !== true && at(call, "partialArgs") === undefined) {
        const json = argumentsText(isRecord(args) ? args : {});
        if (json === undefined) return this.#fail(events, TOO_DEEP, undefined);
        events.push({ kind: "tool_arguments", index, json });
        return;
      }
      this.#open = { index, pieces: new PartialArguments() };
    }
    if (this.#open === undefined) return;
    if (!this.#open.pieces.add(at(call, "partialArgs"))) {
      return this.#fail(events, "the arguments of a call in the upstream's stream are not readable", undefined);
    }
    if (at(call, "willContinue") !== true) this.#closeCall(events);
  }

  /** The arguments in pieces, as one: their order on the wire is not the order of JSON. */
  #closeCall(events: CommonEvent[]): void {
    if (this.#open === undefined) return;
    events.push({ kind: "tool_arguments", index: this.#open.index, json: this.#open.pieces.json() });
    this.#open = undefined;
  }

  /** Most events repeat it. */
  #readUsage(metadata: unknown, events: CommonEvent[]): void {
    const usage = readUsage(metadata);
    if (usage === undefined) return;
    const known = this.#usage;
    const isNew =
      usage.inputTokens !== known?.inputTokens ||
      usage.outputTokens !== known?.outputTokens ||
      usage.reasoningTokens !== known?.reasoningTokens ||
      usage.cachedInputTokens !== known?.cachedInputTokens;
    this.#usage = usage;
    if (isNew) events.push({ kind: "usage", usage });
  }
}

/** Their numbers must stay as they are. Those of arguments in pieces are doubles at Google already, and are built upon. */
function hasWholeArguments(data: string): boolean {
  return data.includes('"functionCall"') && !data.includes('"partialArgs"');
}
