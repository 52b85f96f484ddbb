/**
 * Reads the tool calls of a chat stream out of its deltas.
 *
 * OpenAI numbers them; of its imitators some number all of them 0 (Ollama, Google), some not at all, some repeat the id or an empty one
 * with each piece (DashScope), some send the name later than the id. A call is told by its number; where one with that number is there, a
 * name together with another id begins a new one.
 */
import { randomUUID } from "node:crypto";
import { at, elements } from "../../json-access.ts";
import type { CommonEvent } from "../common.ts";
import { isRecord } from "../json-pick.ts";
import { argumentsOf, signatureOf, stringOr } from "./read-answer.ts";

/** What may wait for its call's name. */
const MAX_HELD_CHARACTERS = 64 * 1024;
const NOTHING: readonly CommonEvent[] = [];

interface Call {
  /** As the upstream gave it. */
  readonly upstreamId: string;
  /** Among those that have been told of; -1 before. */
  index: number;
  /** Pieces that came before the name. */
  held: string;
  /** The same of Google's proof. */
  signed: ReturnType<typeof signatureOf>;
}

/** One stream's calls. */
export class StreamCalls {
  /** By the upstream's number: the last call with it. */
  readonly #byNumber = new Map<number, Call>();
  /** The number of the last piece. */
  #last = 0;
  #count = 0;

  /** How many have been told of. */
  get count(): number {
    return this.#count;
  }

  /** @returns the events of a delta's `tool_calls`, or of its `function_call` of 2023. The last may be an error. */
  read(delta: unknown): readonly CommonEvent[] {
    if (!isRecord(delta)) return NOTHING;
    const pieces = elements(delta["tool_calls"]);
    const legacy = delta["function_call"];
    if (pieces.length === 0 && !isRecord(legacy)) return NOTHING;
    const events: CommonEvent[] = [];
    for (const piece of pieces) {
      this.#piece(piece, at(piece, "function"), events);
      if (events.at(-1)?.kind === "error") return events;
    }
    if (isRecord(legacy)) this.#piece({ index: 0 }, legacy, events);
    return events;
  }

  #piece(piece: unknown, called: unknown, events: CommonEvent[]): void {
    const id = stringOr(at(piece, "id"), () => "");
    const name = stringOr(at(called, "name"), () => "");
    const call = this.#callOf(at(piece, "index"), id, name);
    let json = argumentsOf(at(called, "arguments"));
    if (json === undefined) return fail(events, "The upstream's tool call has arguments that are nested too deep.");
    if (call.index === -1) {
      call.held += json;
      call.signed = { ...call.signed, ...signatureOf(piece) };
      if (call.held.length > MAX_HELD_CHARACTERS) {
        return fail(events, "The upstream's tool call has no name.");
      }
      if (name === "") return;
      json = call.held;
      call.held = "";
      call.index = this.#count++;
      const callId = stringOr(call.upstreamId, () => `call_${randomUUID()}`);
      events.push({ kind: "tool_call", index: call.index, id: callId, name, ...call.signed });
    }
    if (json !== "") events.push({ kind: "tool_arguments", index: call.index, json });
  }

  #callOf(said: unknown, id: string, name: string): Call {
    const isNumbered = typeof said === "number";
    const begins = name !== "" && (id !== "" || !isNumbered);
    const number = isNumbered ? said : begins ? this.#byNumber.size : this.#last;
    this.#last = number;
    const known = this.#byNumber.get(number);
    if (known !== undefined && !(begins && known.upstreamId !== id)) return known;
    const call = { upstreamId: id, index: -1, held: "", signed: {} };
    this.#byNumber.set(number, call);
    return call;
  }
}

function fail(events: CommonEvent[], message: string): void {
  events.push({ kind: "error", message, status: undefined });
}
