/** A stream as the Responses API writes it: server-sent events whose last one holds the whole response. */
import type { CommonEvent, CommonUsage, TokenLogprob } from "../common.ts";
import type { AnswerContext, StreamWriter } from "../translation.ts";
import { errorFields } from "./error-fields.ts";
import { responseHead, responseObject } from "./response-object.ts";
import type { Json, ResponseHead, ResponseState } from "./response-object.ts";
import { ResponseOutput } from "./response-output.ts";

/**
 * The API repeats all that it said in its last events, so it has to be kept: characters of one stream, beyond which it ends
 * with an error. More than any model writes in one answer, pictures included.
 */
const MAX_GATHERED_CHARACTERS = 16 * 1024 * 1024;

type ErrorEvent = Extract<CommonEvent, { kind: "error" }>;

/** See {@link StreamWriter}. What comes after the end or an error is not written. */
export class ResponsesStreamWriter implements StreamWriter {
  failed = false;
  readonly #context: AnswerContext;
  #text = "";
  #sequenceNumber = 0;
  #gathered = 0;
  #head: ResponseHead | null = null;
  #output: ResponseOutput | null = null;
  #usage: Partial<CommonUsage> | null = null;
  #end: Pick<ResponseState, "status" | "reason"> | null = null;
  #ended = false;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  write(event: CommonEvent): string {
    if (this.#ended) return "";
    this.#text = "";
    if (event.kind === "error") this.#fail(event);
    else if (event.kind === "start") this.#start(event);
    else if (this.#head !== null && this.#output !== null) this.#continue(event, this.#head, this.#output);
    return this.#text;
  }

  #emit(type: string, fields: Json): void {
    this.#text += `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#sequenceNumber++, ...fields })}\n\n`;
  }

  #start(event: Extract<CommonEvent, { kind: "start" }>): void {
    const head = responseHead(event, this.#context.model);
    this.#head = head;
    this.#output = new ResponseOutput(head, (type, fields) => this.#emit(type, fields));
    const response = responseObject(head, { status: "in_progress", output: [] }, this.#context.echo);
    this.#emit("response.created", { response });
    this.#emit("response.in_progress", { response });
  }

  #continue(
    event: Exclude<CommonEvent, { kind: "start" | "error" }>,
    head: ResponseHead,
    output: ResponseOutput,
  ): void {
    this.#gathered += sizeOf(event);
    if (this.#gathered > MAX_GATHERED_CHARACTERS) {
      const message = "The upstream's answer is larger than a stream of this API can hold.";
      return this.#fail({ kind: "error", message, status: undefined });
    }
    switch (event.kind) {
      case "text":
        return output.say("text", event.text, event.logprobs);
      case "refusal":
        return output.say("refusal", event.text);
      case "reasoning":
        return output.think(event.text);
      case "reasoning_signature":
        return output.sign(event.signature);
      case "tool_call":
        return output.call(event);
      case "tool_arguments":
        return output.argue(event.index, event.json);
      case "image":
        return output.image(event.source);
      case "usage":
        this.#usage = { ...this.#usage, ...event.usage };
        return undefined;
      case "finish":
        // Who cuts a stream short finishes it once more; what the model had finished stays so.
        this.#end ??= output.finish(event.stopReason);
        return undefined;
      case "end":
        this.#ended = true;
        return this.#last(head, { ...(this.#end ?? output.finish("stop")), output: output.items });
    }
  }

  #last(head: ResponseHead, state: ResponseState): void {
    const usage =
      this.#usage === null
        ? undefined
        : { ...this.#usage, inputTokens: this.#usage.inputTokens ?? 0, outputTokens: this.#usage.outputTokens ?? 0 };
    const response = responseObject(head, { ...state, usage }, this.#context.echo);
    this.#emit(`response.${state.status}`, { response });
  }

  /** As the API does it: an error event that its SDKs throw, and the response that failed for those who read on. */
  #fail(error: ErrorEvent): void {
    this.#ended = true;
    this.failed = true;
    const fields = errorFields(error);
    const { code, message } = fields;
    this.#emit("error", { ...fields, error: { type: code, ...fields } });
    if (this.#head === null || this.#output === null) return;
    // What is too large to be repeated is not.
    const output = this.#gathered > MAX_GATHERED_CHARACTERS ? this.#output.items : this.#output.brokenOff();
    this.#last(this.#head, { status: "failed", output, error: { code, message } });
  }
}

/** Of an item's or a token's JSON besides what the model wrote, characters; about. */
const ITEM_CHARACTERS = 128;
const TOKEN_CHARACTERS = 64;

/** Characters that will have to be said again. */
function sizeOf(event: CommonEvent): number {
  switch (event.kind) {
    case "text":
      return event.text.length + (event.logprobs === undefined ? 0 : sizeOfTokens(event.logprobs));
    case "refusal":
    case "reasoning":
      return event.text.length;
    case "reasoning_signature":
      return ITEM_CHARACTERS + event.signature.data.length;
    case "tool_call":
      return ITEM_CHARACTERS + event.id.length + event.name.length + (event.signature?.data.length ?? 0);
    case "tool_arguments":
      return event.json.length;
    case "image":
      return ITEM_CHARACTERS + (event.source.kind === "base64" ? event.source.data : event.source.url).length;
    case "start":
    case "usage":
    case "finish":
    case "end":
    case "error":
    default:
      return 0;
  }
}

function sizeOfTokens(tokens: readonly TokenLogprob[]): number {
  let size = 0;
  for (const { token, top } of tokens) {
    size += TOKEN_CHARACTERS + token.length;
    for (const other of top) size += TOKEN_CHARACTERS + other.token.length;
  }
  return size;
}
