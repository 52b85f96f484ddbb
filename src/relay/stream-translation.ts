/** A stream on its way from one API to another, event by event, with what the relay has to know of any stream. */
import { randomUUID } from "node:crypto";
import type { GatewayError } from "../core/errors.ts";
import type { CommonEvent, CommonUsage } from "../dialects/translate/common.ts";
import { cachedPart } from "../dialects/json-access.ts";
import { BACKS, FRONTS } from "../dialects/translate/registry.ts";
import type { BackName, FrontName } from "../dialects/translate/registry.ts";
import { SseEvents } from "../dialects/translate/sse-events.ts";
import { ToldEvents } from "../dialects/translate/thoughts.ts";
import type { AnswerContext, StreamReader, StreamWriter, WireEvent } from "../dialects/translate/translation.ts";
import type { EndingNote, Usage } from "../dialects/sse-scan.ts";

/** What a call's answers are translated from and into. */
export interface Translation {
  readonly front: FrontName;
  readonly back: BackName;
  readonly context: AnswerContext;
}

/** Events that are output. */
const OUTPUT: ReadonlySet<CommonEvent["kind"]> = new Set<CommonEvent["kind"]>([
  "text",
  "refusal",
  "reasoning",
  "tool_call",
  "tool_arguments",
  "image",
]);

/** See the file's comment. What it returns is whole events of the caller's API. */
export class StreamTranslation {
  /** Events of the upstream that brought output. */
  tokenEvents = 0;
  /** The answer has been written to its end. */
  complete = false;
  /** An error has been written: the upstream's, or of the writer, for which the answer was too large. */
  failed = false;
  /** Something may be put in between: always. */
  readonly atBoundary = true;
  readonly #events: SseEvents;
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  readonly #told: ToldEvents;
  readonly #isSse: boolean;
  #started = false;
  #finished = false;
  #usage: Partial<CommonUsage> = {};

  constructor({ front, back, context }: Translation) {
    this.#events = new SseEvents(BACKS[back].maxEventBytes);
    this.#reader = BACKS[back].createReader();
    this.#told = new ToldEvents(context.thoughts ?? "told");
    this.#writer = FRONTS[front].createWriter(context);
    this.#isSse = context.framing === "sse";
  }

  /** @returns what `bytes[start, end)` of the upstream's come to; empty where that is nothing yet. */
  feed(bytes: Buffer, start: number, end: number): string {
    const text = this.#translate(this.#events.push(bytes, start, end));
    const { fault } = this.#events;
    return fault === undefined || this.#isOver
      ? text
      : text + this.#write({ kind: "error", message: fault, status: 502 });
  }

  /** The upstream's stream has ended as HTTP has it. @returns what was still to be written. */
  end(): string {
    let text = this.#translate(this.#events.end());
    if (!this.#isOver) for (const event of this.#reader.end()) text += this.#write(event);
    return text;
  }

  usage(): Usage | undefined {
    const { inputTokens, outputTokens, cachedInputTokens } = this.#usage;
    if (inputTokens === undefined || outputTokens === undefined) return undefined;
    return { inputTokens, outputTokens, ...cachedPart(cachedInputTokens) };
  }

  /** @returns an error of ours as the caller's API has it in a stream. */
  errorEvent(error: GatewayError): string {
    return this.#write({ kind: "error", message: error.message, status: error.status, code: error.code });
  }

  /** See {@link import("../dialects/sse-scan.ts").SseScan.cutShort}. */
  cutShort({ code, message }: EndingNote): string {
    const note = this.#isSse ? `: ${code}: ${message}\n\n` : "";
    const now = Math.floor(Date.now() / 1000);
    const start = this.#started ? "" : this.#write({ kind: "start", id: randomUUID(), model: "", createdSeconds: now });
    const finish = this.#finished ? "" : this.#write({ kind: "finish", stopReason: "length" });
    return note + start + finish + this.#write({ kind: "end" });
  }

  get #isOver(): boolean {
    return this.complete || this.failed;
  }

  #translate(events: readonly WireEvent[]): string {
    let text = "";
    for (const wire of events) {
      let bringsOutput = false;
      for (const event of this.#reader.read(wire)) {
        text += this.#write(event);
        bringsOutput ||= OUTPUT.has(event.kind);
      }
      if (bringsOutput) this.tokenEvents++;
    }
    return text;
  }

  #write(event: CommonEvent): string {
    if (this.#isOver) return "";
    if (event.kind === "usage") this.#usage = { ...this.#usage, ...event.usage };
    else if (event.kind === "start") this.#started = true;
    else if (event.kind === "finish") this.#finished = true;
    if (!this.#told.tells(event)) return "";
    const text = this.#writer.write(event);
    this.failed = this.#writer.failed;
    this.complete = event.kind === "end" && !this.failed;
    return text;
  }
}
