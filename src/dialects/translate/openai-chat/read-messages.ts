/** Reads the messages of a chat request: instructions apart, results matched to their calls. */
import type { AssistantPart, Message, TextPart, ToolCallPart, ToolResultPart, UserPart } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import { readContent, readImages } from "./read-content.ts";
import type { ContentPart } from "./read-content.ts";
import type { Losses } from "../losses.ts";
import { readReasoning } from "./reasoning-details.ts";

/** A conversation in the common form. */
export interface Conversation {
  readonly system: readonly TextPart[];
  readonly messages: readonly Message[];
}

const ROLES = ["system", "developer", "user", "assistant", "tool", "function"] as const;

/** @throws {FieldFault} where a message is none. */
export function readMessages(body: Fields, losses: Losses): Conversation {
  if (!body.has("messages")) body.fault("messages", "is missing");
  return new Reader(losses).read(body.objects("messages"));
}

class Reader {
  readonly #losses: Losses;
  readonly #system: TextPart[] = [];
  readonly #messages: Message[] = [];
  /** The names of the tools that were called, by the call's id. */
  readonly #called = new Map<string, string>();
  /** The ids of legacy function calls, by the function's name: the last one is what a result belongs to. */
  readonly #legacy = new Map<string, string>();

  constructor(losses: Losses) {
    this.#losses = losses;
  }

  read(messages: readonly Fields[]): Conversation {
    messages.forEach((message, i) => this.#message(message, i));
    return { system: this.#system, messages: this.#messages };
  }

  #message(message: Fields, i: number): void {
    const role = message.oneOf("role", ROLES) ?? message.fault("role", "is missing");
    switch (role) {
      case "system":
      case "developer":
        this.#instructions(message, role);
        break;
      case "user":
        if (!message.has("content")) message.fault("content", "is missing");
        this.#messages.push({ role, parts: this.#only(message, ["text", "image", "document", "audio"]) as UserPart[] });
        break;
      case "assistant":
        this.#messages.push({ role, parts: this.#assistant(message, i) });
        break;
      case "tool":
        this.#result(message, message.requiredString("tool_call_id"));
        break;
      case "function": {
        const name = message.requiredString("name");
        this.#result(message, this.#legacy.get(name) ?? message.fault("name", "no function of this name was called"));
        break;
      }
    }
    this.#losses.unread(message);
  }

  #instructions(message: Fields, role: string): void {
    if (this.#messages.length > 0) {
      this.#losses.lose(
        message.pathOf("role"),
        `other APIs have ${role} messages at the beginning alone; it is moved there`,
      );
    }
    this.#system.push(...(this.#only(message, ["text"]) as TextPart[]));
  }

  /** The content, as far as it is of these kinds. */
  #only(message: Fields, kinds: readonly ContentPart["kind"][]): readonly ContentPart[] {
    return readContent(message, this.#losses).filter((part) => {
      if (kinds.includes(part.kind)) return true;
      this.#losses.refuse(
        message.pathOf("content"),
        `a message of this role can't hold a part of the kind ${part.kind}`,
      );
      return false;
    });
  }

  #assistant(message: Fields, i: number): AssistantPart[] {
    const parts: AssistantPart[] = [...readReasoning(message)];
    for (const part of this.#only(message, ["text", "refusal"]) as AssistantPart[]) {
      if (part.kind !== "text" || part.text !== "") parts.push(part);
    }
    parts.push(...readImages(message, this.#losses));
    const refusal = message.string("refusal");
    if (refusal !== undefined) parts.push({ kind: "refusal", text: refusal });
    for (const call of message.objects("tool_calls")) {
      const part = this.#call(call);
      if (part !== undefined) parts.push(part);
    }
    const legacy = message.object("function_call");
    if (legacy !== undefined) parts.push(this.#legacyCall(legacy, i));
    return parts;
  }

  #call(call: Fields): ToolCallPart | undefined {
    const id = call.requiredString("id");
    const type = call.string("type") ?? "function";
    if (type !== "function") {
      this.#losses.refuse(call.path, `other APIs have no tool call of the type ${JSON.stringify(type)}`);
      return undefined;
    }
    const called = call.requiredObject("function");
    const name = called.requiredString("name");
    const json = called.string("arguments") ?? "";
    const extra = call.object("extra_content");
    const signature = extra?.object("google")?.string("thought_signature");
    this.#called.set(id, name);
    this.#losses.unread(called, "parsed_arguments");
    // Streams number their calls, and callers send them back so.
    this.#losses.unread(call, "index");
    const part: ToolCallPart = {
      kind: "tool_call",
      id,
      name,
      arguments: json.trim() === "" ? "{}" : json,
      ...(signature === undefined ? {} : { signature: { family: "gemini", data: signature } }),
    };
    return this.#losses.places.put(part, called.path);
  }

  #legacyCall(call: Fields, i: number): ToolCallPart {
    const name = call.requiredString("name");
    const id = `call_${i}`;
    this.#legacy.set(name, id);
    this.#called.set(id, name);
    const json = call.string("arguments") ?? "";
    const part: ToolCallPart = { kind: "tool_call", id, name, arguments: json.trim() === "" ? "{}" : json };
    return this.#losses.places.put(part, call.path);
  }

  #result(message: Fields, id: string): void {
    const content = this.#only(message, ["text", "image", "document"]) as ToolResultPart["content"];
    const name = this.#called.get(id);
    // Some callers name the tool here, which an earlier message has done.
    message.value("name");
    const part: ToolResultPart = { kind: "tool_result", id, name, content, isError: false };
    this.#messages.push({ role: "user", parts: [this.#losses.places.put(part, message.path)] });
  }
}
