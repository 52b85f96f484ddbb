/**
 * Writes a stream as chat completion chunks: the role first, then deltas, the finish reason in a chunk of its own, the usage
 * in another where the caller asked for it, and `[DONE]`. After an error there is neither.
 */
import type { CommonEvent, CommonUsage, TokenLogprob } from "../common.ts";
import type { AnswerContext, StreamWriter } from "../translation.ts";
import { writeCallSignature } from "./call-signature.ts";
import { writeLogprobs } from "./logprobs.ts";
import { signedDetail } from "./reasoning-details.ts";
import { writeStop } from "./stop-reason.ts";
import { writeUsage } from "./usage.ts";
import { writeImage } from "./write-answer.ts";

type EventOf<Kind extends CommonEvent["kind"]> = Extract<CommonEvent, { kind: Kind }>;

/** See `FrontTranslation.createWriter`. */
export class ChatStreamWriter implements StreamWriter {
  failed = false;
  readonly #model: string;
  readonly #wantsUsage: boolean;
  /** What every chunk begins with, up to its choices. */
  #head = "";
  #done = false;
  #hasRefusal = false;
  #usage: Partial<CommonUsage> = {};
  /** Calls that have no arguments yet. */
  readonly #bare = new Set<number>();
  /** Of the thoughts that no signature has covered yet, in UTF-16 units. */
  #unsigned = 0;

  constructor({ model, wantsUsage }: AnswerContext) {
    this.#model = model;
    this.#wantsUsage = wantsUsage;
  }

  write(event: CommonEvent): string {
    if (this.#done) return "";
    switch (event.kind) {
      case "start":
        return this.#start(event);
      case "text":
        return this.#chunk(`{"content":${JSON.stringify(event.text)}}`, "null", event.logprobs);
      case "refusal":
        this.#hasRefusal = true;
        return this.#chunk(`{"refusal":${JSON.stringify(event.text)}}`);
      case "reasoning":
        this.#unsigned += event.text.length;
        return this.#chunk(`{"reasoning_content":${JSON.stringify(event.text)}}`);
      case "reasoning_signature":
        return this.#signature(event);
      case "tool_call":
        return this.#call(event);
      case "tool_arguments":
        return this.#arguments(event.index, event.json);
      case "image":
        return this.#chunk(JSON.stringify({ images: [writeImage(event.source)] }));
      case "usage":
        this.#usage = { ...this.#usage, ...event.usage };
        return "";
      case "finish":
        return this.#finish(event);
      case "end":
        return this.#end();
      case "error":
      default:
        return this.#error(event);
    }
  }

  #start({ id, createdSeconds }: EventOf<"start">): string {
    const head = { id, object: "chat.completion.chunk", created: createdSeconds, model: this.#model };
    // An event of 60 bytes of text costs less so than as an object that is written anew.
    this.#head = `data: ${JSON.stringify(head).slice(0, -1)}${this.#wantsUsage ? ',"usage":null' : ""},"choices":[`;
    return this.#chunk('{"role":"assistant","content":"","refusal":null}');
  }

  /** @param finishReason as JSON. */
  #chunk(delta: string, finishReason = "null", logprobs?: readonly TokenLogprob[]): string {
    const odds = logprobs === undefined ? "null" : JSON.stringify(writeLogprobs(logprobs));
    return `${this.#head}{"index":0,"delta":${delta},"logprobs":${odds},"finish_reason":${finishReason}}]}\n\n`;
  }

  #signature({ signature }: EventOf<"reasoning_signature">): string {
    const detail = signedDetail(signature, { length: this.#unsigned });
    if (signature.redacted !== true) this.#unsigned = 0;
    return this.#chunk(JSON.stringify({ reasoning_details: [detail] }));
  }

  #call(event: EventOf<"tool_call">): string {
    const { index, id, name } = event;
    this.#bare.add(index);
    const called = { name, arguments: "" };
    return this.#calls({ index, id, type: "function", function: called, ...writeCallSignature(event) });
  }

  #arguments(index: number, json: string): string {
    if (json === "") return "";
    this.#bare.delete(index);
    return this.#calls({ index, function: { arguments: json } });
  }

  #calls(call: object): string {
    return this.#chunk(JSON.stringify({ tool_calls: [call] }));
  }

  #finish({ stopReason }: EventOf<"finish">): string {
    // Callers parse the arguments: none at all is no JSON.
    const owed = [...this.#bare].map((index) => this.#arguments(index, "{}")).join("");
    return owed + this.#chunk("{}", JSON.stringify(writeStop(stopReason, this.#hasRefusal)));
  }

  #end(): string {
    this.#done = true;
    const usage = this.#wantsUsage ? writeUsage(this.#usage) : undefined;
    const last =
      usage === undefined ? "" : `${this.#head.replace('"usage":null,', "")}],"usage":${JSON.stringify(usage)}}\n\n`;
    return `${last}data: [DONE]\n\n`;
  }

  #error({ message, code }: EventOf<"error">): string {
    this.#done = true;
    this.failed = true;
    const error = { message, type: "server_error", param: null, code: code ?? "upstream_error" };
    return `data: ${JSON.stringify({ error })}\n\n`;
  }
}
