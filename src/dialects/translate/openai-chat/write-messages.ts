/**
 * Writes a conversation as chat messages.
 *
 * The API wants the results of a turn's calls right behind them, one message each, in text alone. So results come before
 * whatever else a turn says; pictures and documents in them follow in a user message that names the call they belong to.
 */
import type {
  AssistantPart,
  CommonRequest,
  DocumentPart,
  ImagePart,
  Message,
  TextPart,
  ToolResultPart,
  UserPart,
} from "../common.ts";
import { pathsOf } from "../common-path.ts";
import type { Loss } from "../translation.ts";
import { writeCallSignature } from "./call-signature.ts";
import { callIdFor } from "./call-id.ts";
import { cacheMarkField } from "./quirks.ts";
import type { ChatQuirks } from "./quirks.ts";
import { writePart } from "./write-content.ts";
import type { CacheMarkField, LosePart, WritablePart } from "./write-content.ts";

/** Between texts that were parts of their own and have to be one string. */
const SEPARATOR = "\n\n";

/** @returns the messages; `losses` gains what has no place in them. */
export function writeMessages(request: CommonRequest, quirks: ChatQuirks, losses: Loss[]): readonly object[] {
  const pathOf = pathsOf(request.messages);
  const lose: LosePart = (part, reason) => void losses.push({ field: pathOf(part), reason, essential: true });
  return new Writer(quirks, cacheMarkField(quirks, request.model), lose).write(request);
}

class Writer {
  readonly #quirks: ChatQuirks;
  readonly #markField: CacheMarkField;
  readonly #lose: LosePart;
  readonly #written: object[] = [];
  /** Media out of tool results, which wait until the last of the turn's results is written. */
  #media: object[] = [];

  constructor(quirks: ChatQuirks, markField: CacheMarkField, lose: LosePart) {
    this.#quirks = quirks;
    this.#markField = markField;
    this.#lose = lose;
  }

  write({ system, messages }: CommonRequest): readonly object[] {
    if (system.length > 0) this.#written.push({ role: "system", content: this.#text(system) });
    for (const message of messages) this.#message(message);
    this.#flushMedia();
    return this.#written;
  }

  #message(message: Message): void {
    if (message.role === "assistant") {
      this.#flushMedia();
      this.#assistant(message.parts);
      return;
    }
    const results = message.parts.filter((part) => part.kind === "tool_result");
    for (const result of results) this.#result(result);
    const rest = message.parts.filter((part): part is Exclude<UserPart, ToolResultPart> => part.kind !== "tool_result");
    if (rest.length > 0 || results.length === 0) this.#user(rest);
  }

  #user(parts: readonly WritablePart[]): void {
    this.#flushMedia();
    const [first] = parts;
    if (parts.length === 0) this.#written.push({ role: "user", content: "" });
    else if (
      parts.length === 1 &&
      first!.kind === "text" &&
      (first!.cache === undefined || this.#markField === "none")
    ) {
      this.#written.push({ role: "user", content: first!.text });
    } else {
      const content = parts.flatMap((part) => writePart(part, this.#markField, this.#lose) ?? []);
      this.#written.push({ role: "user", content });
    }
  }

  /** One string, which every server takes; parts where there is a mark to be put on one. */
  #text(parts: readonly TextPart[]): string | readonly object[] {
    if (this.#markField !== "none" && parts.some((part) => part.cache !== undefined)) {
      return parts.flatMap((part) => writePart(part, this.#markField, this.#lose) ?? []);
    }
    return parts.map((part) => part.text).join(SEPARATOR);
  }

  #result(result: ToolResultPart): void {
    const texts = textsOf(result);
    const id = callIdFor(this.#quirks, result.id);
    this.#written.push({ role: "tool", tool_call_id: id, content: this.#text(texts) });
    const media = result.content.filter((part): part is ImagePart | DocumentPart => part.kind !== "text");
    if (media.length === 0) return;
    this.#media.push({ type: "text", text: `From the result of the tool call ${id}:` });
    for (const part of media) {
      const written = writePart(part, this.#markField, this.#lose);
      if (written !== undefined) this.#media.push(written);
    }
  }

  #thoughts(parts: readonly AssistantPart[], hasCalls: boolean): object {
    const { thoughtsOfCalls } = this.#quirks;
    if (!hasCalls || thoughtsOfCalls === "never") return {};
    const unsigned = parts.flatMap((part) =>
      part.kind === "reasoning" && part.signature === undefined ? part.text : [],
    );
    const text = unsigned.join("");
    return text === "" && thoughtsOfCalls !== "always" ? {} : { reasoning_content: text };
  }

  #flushMedia(): void {
    if (this.#media.length === 0) return;
    this.#written.push({ role: "user", content: this.#media });
    this.#media = [];
  }

  #assistant(parts: readonly AssistantPart[]): void {
    const said = parts.flatMap((part) => (part.kind === "text" ? part.text : [])).join("");
    const refused = parts.flatMap((part) => (part.kind === "refusal" ? part.text : [])).join("");
    const { hasRefusals, hasCallSignatures } = this.#quirks;
    const refusal = hasRefusals ? refused : "";
    const content = [said, hasRefusals ? "" : refused].filter((one) => one !== "").join(SEPARATOR);
    const calls = parts.flatMap((part) => {
      if (part.kind !== "tool_call") return [];
      const call = { id: callIdFor(this.#quirks, part.id), type: "function" };
      const signature = hasCallSignatures ? writeCallSignature(part) : {};
      return [{ ...call, function: { name: part.name, arguments: part.arguments }, ...signature }];
    });
    for (const part of parts) {
      if (part.kind === "image") {
        this.#lose(part, "the upstream's API (OpenAI chat) has no pictures in the model's own messages");
      }
    }
    this.#written.push({
      role: "assistant",
      content: content === "" && (calls.length > 0 || refusal !== "") ? null : content,
      ...this.#thoughts(parts, calls.length > 0),
      ...(refusal === "" ? {} : { refusal }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    });
  }
}

/** A result's text, with what else there is to say of it. */
function textsOf({ content, isError, cache }: ToolResultPart): readonly TextPart[] {
  const texts = content.filter((part) => part.kind === "text");
  // There is no field that says so, and a model that is not told takes the error for what the tool found.
  if (isError) texts[0] = { ...texts[0], kind: "text", text: `Error: ${texts[0]?.text ?? ""}` };
  const last = texts.at(-1);
  if (cache !== undefined && last !== undefined) texts[texts.length - 1] = { cache, ...last };
  return texts;
}
