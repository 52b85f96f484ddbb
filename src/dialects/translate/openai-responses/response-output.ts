/**
 * Builds a response's output items piece by piece, and says each step in the events of the Responses API.
 *
 * A whole answer and a stream go the same way, so that the stream's last event holds what a whole answer would be.
 */
import type {
  AssistantPart,
  CommonEvent,
  MediaSource,
  ReasoningSignature,
  StopReason,
  TokenLogprob,
} from "../common.ts";
import { GatheredText } from "./gathered-text.ts";
import {
  callSignatureItem,
  functionCallItem,
  imageItem,
  imageLink,
  logprobObject,
  messageItem,
  reasoningItem,
  refusalPart,
  textPart,
} from "./output-items.ts";
import type { FunctionCall, ItemStatus } from "./output-items.ts";
import { endOf, itemId } from "./response-object.ts";
import type { Json, ResponseHead, ResponseState } from "./response-object.ts";

/** Told of each event: its `type`, and its fields but for that and the sequence number. */
export type EmitEvent = (type: string, fields: Json) => void;

/** Where in the output a piece belongs. */
interface Place {
  readonly id: string;
  readonly index: number;
}

interface OpenMessage extends Place {
  readonly kind: "message";
  /** The parts before the one that is open. */
  readonly content: Json[];
  readonly part: "text" | "refusal";
  readonly text: GatheredText;
  readonly logprobs: TokenLogprob[];
}

interface OpenReasoning extends Place {
  readonly kind: "reasoning";
  readonly text: GatheredText;
}

interface OpenCall extends Place {
  readonly callId: string;
  readonly name: string;
  readonly json: GatheredText;
}

type ToolCall = Extract<CommonEvent, { kind: "tool_call" }>;

/** The output of one response. Texts and thoughts are open one at a time; function calls together, until {@link finish}. */
export class ResponseOutput {
  /** By output index; what is not finished yet as it was when it began. */
  readonly items: Json[] = [];
  readonly #head: ResponseHead;
  readonly #emit: EmitEvent;
  readonly #calls = new Map<number, OpenCall>();
  #open: OpenMessage | OpenReasoning | null = null;
  #refused = false;

  constructor(head: ResponseHead, emit: EmitEvent) {
    this.#head = head;
    this.#emit = emit;
  }

  /** A piece of text, or of a refusal. */
  say(part: "text" | "refusal", piece: string, logprobs: readonly TokenLogprob[] = []): void {
    if (piece === "" && logprobs.length === 0) return;
    const open = this.#openMessage(part);
    open.text.add(piece);
    for (const logprob of logprobs) open.logprobs.push(logprob);
    const place = { ...placeOf(open), content_index: open.content.length, delta: piece };
    if (part === "refusal") this.#emit("response.refusal.delta", place);
    else this.#emit("response.output_text.delta", { ...place, logprobs: logprobs.map(logprobObject) });
  }

  /** A piece of the model's thoughts. */
  think(piece: string): void {
    if (piece === "") return;
    let open = this.#open;
    if (open?.kind !== "reasoning") {
      this.#close("completed");
      const place = this.#add("rs", (id) => reasoningItem(id, "", undefined));
      this.#open = open = { ...place, kind: "reasoning", text: new GatheredText() };
      this.#emit("response.reasoning_summary_part.added", {
        ...placeOf(open),
        summary_index: 0,
        part: { type: "summary_text", text: "" },
      });
    }
    open.text.add(piece);
    this.#emit("response.reasoning_summary_text.delta", { ...placeOf(open), summary_index: 0, delta: piece });
  }

  /** The thoughts that are open are proved by this; without any it is thoughts that are not told. */
  sign(signature: ReasoningSignature): void {
    const open = this.#open;
    if (open?.kind === "reasoning") {
      this.#open = null;
      return this.#closeReasoning(open, signature);
    }
    this.#whole("rs", (id) => reasoningItem(id, "", signature));
  }

  /** The thoughts that are open have no proof, and what follows is no more of them. */
  endThought(): void {
    if (this.#open?.kind === "reasoning") this.#close("completed");
  }

  /** A function call begins. */
  call({ index, id: callId, name, signature }: ToolCall): void {
    if (signature !== undefined) this.#whole("rs", (id) => callSignatureItem(id, signature));
    else this.#close("completed");
    const earlier = this.#calls.get(index);
    if (earlier !== undefined) this.#closeCall(earlier, "completed");
    const place = this.#add("fc", (id) => functionCallItem({ id, callId, name, arguments: "" }, "in_progress"));
    this.#calls.set(index, { ...place, callId, name, json: new GatheredText() });
  }

  /** A piece of a call's arguments. Of a call that has not begun: nothing. */
  argue(index: number, piece: string): void {
    const call = this.#calls.get(index);
    if (call !== undefined && piece !== "") this.#argue(call, piece);
  }

  /** A picture. One that is an address becomes a link in the text: there is a place for the bytes alone. */
  image(source: MediaSource): void {
    if (source.kind === "url") return this.say("text", imageLink(source));
    this.#close("completed");
    const place = this.#add("ig", (id) => imageItem(id, null));
    for (const step of ["in_progress", "generating", "completed"]) {
      this.#emit(`response.image_generation_call.${step}`, placeOf(place));
    }
    this.#done(place, imageItem(place.id, source.data));
  }

  /** Closes what is open. @returns how the response ends. */
  finish(stopReason: StopReason): Pick<ResponseState, "status" | "reason"> {
    const end = endOf(stopReason, this.#refused);
    const last = end.status === "completed" ? "completed" : "incomplete";
    const isLast = (place: Place): boolean => place.index === this.items.length - 1;
    const open = this.#open;
    for (const call of this.#calls.values()) this.#closeCall(call, isLast(call) ? last : "completed");
    this.#calls.clear();
    if (open !== null) this.#close(isLast(open) ? last : "completed");
    return end;
  }

  /** The items of an answer that broke off: those that are open hold what has come of them. */
  brokenOff(): readonly Json[] {
    const items = [...this.items];
    const open = this.#open;
    if (open?.kind === "message") {
      items[open.index] = messageItem(open.id, "incomplete", [...open.content, partOf(open)]);
    } else if (open !== null) items[open.index] = reasoningItem(open.id, open.text.toString(), undefined);
    for (const call of this.#calls.values()) {
      items[call.index] = functionCallItem({ ...call, arguments: call.json.toString() }, "incomplete");
    }
    return items;
  }

  #openMessage(part: "text" | "refusal"): OpenMessage {
    let open = this.#open;
    if (open?.kind === "message" && open.part === part) return open;
    const content = open?.kind === "message" ? [...open.content, this.#closePart(open)] : [];
    if (open?.kind !== "message") this.#close("completed");
    const place = open?.kind === "message" ? open : this.#add("msg", (id) => messageItem(id, "in_progress", []));
    this.#open = open = {
      id: place.id,
      index: place.index,
      kind: "message",
      content,
      part,
      text: new GatheredText(),
      logprobs: [],
    };
    this.#refused ||= part === "refusal";
    this.#emit("response.content_part.added", {
      ...placeOf(open),
      content_index: content.length,
      part: part === "text" ? textPart("") : refusalPart(""),
    });
    return open;
  }

  #add(prefix: string, item: (id: string) => Json): Place {
    const index = this.items.length;
    const id = itemId(prefix, this.#head, index);
    const added = item(id);
    this.items.push(added);
    this.#emit("response.output_item.added", { output_index: index, item: added });
    return { id, index };
  }

  #done({ index }: Place, item: Json): void {
    this.items[index] = item;
    this.#emit("response.output_item.done", { output_index: index, item });
  }

  #whole(prefix: string, item: (id: string) => Json): void {
    this.#close("completed");
    const place = this.#add(prefix, item);
    this.#done(place, this.items[place.index]!);
  }

  #close(status: ItemStatus): void {
    const open = this.#open;
    this.#open = null;
    if (open?.kind === "reasoning") this.#closeReasoning(open, undefined);
    else if (open !== null) this.#done(open, messageItem(open.id, status, [...open.content, this.#closePart(open)]));
  }

  #closePart(open: OpenMessage): Json {
    const place = { ...placeOf(open), content_index: open.content.length };
    const text = open.text.toString();
    const part = partOf(open);
    if (open.part === "refusal") this.#emit("response.refusal.done", { ...place, refusal: text });
    else this.#emit("response.output_text.done", { ...place, text, logprobs: part["logprobs"] });
    this.#emit("response.content_part.done", { ...place, part });
    return part;
  }

  #closeReasoning(open: OpenReasoning, signature: ReasoningSignature | undefined): void {
    const text = open.text.toString();
    const place = { ...placeOf(open), summary_index: 0 };
    this.#emit("response.reasoning_summary_text.done", { ...place, text });
    this.#emit("response.reasoning_summary_part.done", { ...place, part: { type: "summary_text", text } });
    this.#done(open, reasoningItem(open.id, text, signature));
  }

  #argue(call: OpenCall, piece: string): void {
    call.json.add(piece);
    this.#emit("response.function_call_arguments.delta", { ...placeOf(call), delta: piece });
  }

  #closeCall(call: OpenCall, status: ItemStatus): void {
    // Of a call without arguments an upstream may send no piece at all.
    if (status === "completed" && call.json.toString() === "") this.#argue(call, "{}");
    const whole: FunctionCall = { ...call, arguments: call.json.toString() };
    const { name, arguments: json } = whole;
    this.#emit("response.function_call_arguments.done", { ...placeOf(call), name, arguments: json });
    this.#done(call, functionCallItem(whole, status));
  }
}

function partOf({ part, text, logprobs }: OpenMessage): Json {
  return part === "text" ? textPart(text.toString(), logprobs) : refusalPart(text.toString());
}

function placeOf({ id, index }: Place): Json {
  return { item_id: id, output_index: index };
}

/** A part of a whole answer, as the pieces of a stream. @param calls how many function calls came before it. */
export function addPart(output: ResponseOutput, part: AssistantPart, calls: number): void {
  switch (part.kind) {
    case "text":
    case "refusal":
      return output.say(part.kind, part.text);
    case "reasoning":
      output.think(part.text);
      if (part.signature === undefined) output.endThought();
      else output.sign(part.signature);
      return undefined;
    case "image":
      return output.image(part.source);
    case "tool_call":
      output.call({ ...part, kind: "tool_call", index: calls });
      return output.argue(calls, part.arguments);
  }
}
