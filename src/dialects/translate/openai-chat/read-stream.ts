/**
 * Reads a chat stream into the common form.
 *
 * `finish_reason` need not be in the last event: usage comes after it, some servers send it twice, some send more text. So
 * the stop is told of at the stream's end, which is `[DONE]`, or the connection's end where a server sends none.
 */
import { randomUUID } from "node:crypto";
import { at, elements, hasContent, parseJson } from "../../json-access.ts";
import type { CommonEvent } from "../common.ts";
import type { StreamReader, WireEvent } from "../translation.ts";
import { isRecord } from "../json-pick.ts";
import { readLogprobs } from "./logprobs.ts";
import { secondsOf, stringOr } from "./read-answer.ts";
import { StreamCalls } from "./read-calls.ts";
import { readOutput } from "./read-output.ts";
import { isFailure, readStop } from "./stop-reason.ts";
import { readEventUsage } from "./usage.ts";

const NOTHING: readonly CommonEvent[] = [];

/** See `BackTranslation.createReader`. */
export class ChatStreamReader implements StreamReader {
  readonly #calls = new StreamCalls();
  #started = false;
  #done = false;
  #hasRefusal = false;
  /** What came before the answer. */
  #earlyUsage: CommonEvent | undefined;
  /** The last choice that had a finish reason. */
  #finished: unknown;

  read({ type, data }: WireEvent): readonly CommonEvent[] {
    if (this.#done || data === "") return NOTHING;
    if (data.startsWith("[DONE]")) return this.#finish();
    const event = parseJson(data);
    if (!isRecord(event)) return this.#fail("An event of the upstream's stream is not JSON.");
    if (type === "error" || hasContent(event["error"]) || event["object"] === "error") return this.#failure(event);
    const events: CommonEvent[] = [];
    const choices = elements(event["choices"]);
    // Azure's first event has no answer in it yet, and an empty id.
    if (!this.#started && choices.length > 0) this.#start(event, events);
    // Servers that were asked for one answer send one.
    for (const choice of choices) if (isRecord(choice) && (choice["index"] ?? 0) === 0) this.#choice(choice, events);
    const usage = readEventUsage(event);
    if (usage !== undefined) this.#usage({ kind: "usage", usage }, events);
    // What was used may stand behind it, in the same event.
    if (events.some(({ kind }) => kind === "error")) this.#done = true;
    return events;
  }

  end(): readonly CommonEvent[] {
    return this.#done || this.#finished === undefined ? NOTHING : this.#finish();
  }

  #start(event: object, events: CommonEvent[]): void {
    this.#started = true;
    events.push({
      kind: "start",
      id: stringOr(at(event, "id"), () => `chatcmpl-${randomUUID()}`),
      model: stringOr(at(event, "model"), () => ""),
      createdSeconds: secondsOf(at(event, "created")),
    });
    if (this.#earlyUsage !== undefined) events.push(this.#earlyUsage);
  }

  #usage(usage: CommonEvent, events: CommonEvent[]): void {
    if (this.#started) events.push(usage);
    else this.#earlyUsage = usage;
  }

  #choice(choice: Readonly<Record<string, unknown>>, events: CommonEvent[]): void {
    const delta = choice["delta"];
    const logprobs = readLogprobs(choice["logprobs"]);
    let carriesLogprobs = logprobs !== undefined;
    for (const piece of readOutput(delta)) {
      if (piece.kind === "refusal") this.#hasRefusal = true;
      if (piece.kind === "text" && carriesLogprobs) {
        events.push({ kind: "text", text: piece.text, logprobs: logprobs! });
        carriesLogprobs = false;
      } else events.push(piece);
    }
    // A token may be half a character, which has no text of its own.
    if (carriesLogprobs) events.push({ kind: "text", text: "", logprobs: logprobs! });
    for (const event of this.#calls.read(delta)) events.push(event);
    const reason = choice["finish_reason"];
    if (isFailure(reason))
      events.push({ kind: "error", message: "The upstream failed to finish its answer.", status: undefined });
    else if (typeof reason === "string" && reason !== "") this.#finished = choice;
  }

  #finish(): readonly CommonEvent[] {
    this.#done = true;
    // An answer that was never begun is none.
    if (!this.#started) return NOTHING;
    const stop = readStop(this.#finished, { hasCalls: this.#calls.count > 0, hasRefusal: this.#hasRefusal });
    return [{ kind: "finish", ...stop }, { kind: "end" }];
  }

  #failure(event: object): readonly CommonEvent[] {
    const said = at(event, "error");
    const error = typeof said === "object" && said !== null ? said : event;
    const message = typeof said === "string" ? said : at(error, "message");
    const status = [at(error, "code"), at(error, "status"), at(error, "status_code")].find(
      (code) => typeof code === "number" && code >= 400 && code < 600,
    );
    return this.#fail(
      stringOr(message, () => "The upstream reported an error in its stream."),
      status as number | undefined,
    );
  }

  #fail(message: string, status?: number): readonly CommonEvent[] {
    this.#done = true;
    return [{ kind: "error", message, status }];
  }
}
