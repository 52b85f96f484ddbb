/** The items of a request's `input`, read into turns. */
import type { AssistantPart, Message, ReasoningSignature, TextPart, ToolResultPart, UserPart } from "../common.ts";
import { standardBase64 } from "../base64.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "./losses.ts";
import { readAssistantContent, readSystemContent, readToolContent, readUserContent } from "./read-content.ts";
import { readSignature } from "./signature-token.ts";

/** What `input` says. */
export interface ReadInput {
  readonly system: readonly TextPart[];
  readonly messages: readonly Message[];
}

/** Reads one request's items, in their order. */
class InputReader {
  readonly system: TextPart[] = [];
  readonly messages: Message[] = [];
  readonly #losses: Losses;
  /** The function of each call so far. */
  readonly #names = new Map<string, string>();
  /** Of the call that comes next. */
  #signature: ReasoningSignature | undefined;

  constructor(losses: Losses) {
    this.#losses = losses;
  }

  item(item: Fields): void {
    const type = item.string("type") ?? "message";
    switch (type) {
      case "message":
        return this.#message(item);
      case "function_call":
        return this.#call(item);
      case "function_call_output":
        return this.#result(item);
      case "reasoning":
        return this.#reasoning(item);
      case "image_generation_call":
        return this.#image(item);
      case "item_reference":
        return this.#losses.essential(
          item.path,
          "the item that it refers to is held by OpenAI alone; send the items themselves (`store: false`)",
        );
      default:
        return this.#losses.essential(item.path, `there is no place for an item of the type ${type}`);
    }
  }

  user(parts: readonly UserPart[]): void {
    this.#add("user", parts);
  }

  #message(item: Fields): void {
    const role = item.requiredString("role");
    if (role === "user") return this.user(readUserContent(item, "content", this.#losses));
    if (role === "assistant") return this.#add("assistant", readAssistantContent(item, "content", this.#losses));
    if (role !== "system" && role !== "developer")
      return item.fault("role", "must be user, assistant, system or developer");
    if (this.messages.length > 0) {
      this.#losses.add(
        item.pathOf("role"),
        `a ${role} message moves to the beginning: other APIs have them there alone`,
      );
    }
    this.system.push(...readSystemContent(item, "content", this.#losses));
    return undefined;
  }

  #call(item: Fields): void {
    this.#refuseContext(item);
    const id = item.requiredString("call_id");
    const name = item.requiredString("name");
    this.#names.set(id, name);
    const json = item.requiredString("arguments");
    const signature = this.#signature === undefined ? {} : { signature: this.#signature };
    this.#signature = undefined;
    this.#add("assistant", [{ kind: "tool_call", id, name, arguments: json === "" ? "{}" : json, ...signature }]);
  }

  #result(item: Fields): void {
    this.#refuseContext(item);
    const id = item.requiredString("call_id");
    const content = readToolContent(item, "output", this.#losses);
    const name = item.string("name") ?? this.#names.get(id);
    const result: ToolResultPart = { kind: "tool_result", id, name, content, isError: false };
    this.user([result]);
  }

  /** Of a call that a program made, or of a function in a namespace. */
  #refuseContext(item: Fields): void {
    const caller = item.object("caller")?.string("type") ?? "direct";
    if (caller !== "direct")
      this.#losses.essential(item.pathOf("caller"), "programs that call tools run at OpenAI alone");
    if (item.has("namespace"))
      this.#losses.essential(item.pathOf("namespace"), "other APIs have no namespaces of tools");
    if (item.boolean("async") === true) {
      this.#losses.essential(item.pathOf("async"), "no other API takes the result of a call later");
    }
  }

  #reasoning(item: Fields): void {
    const told = item.objects("content").map((part) => part.requiredString("text"));
    const summary = item.objects("summary").map((part) => part.requiredString("text"));
    const text = (told.length > 0 ? told : summary).join("\n\n");
    const encrypted = item.string("encrypted_content");
    const read = encrypted === undefined || encrypted === "" ? undefined : readSignature(encrypted);
    if (read?.ofCall === true) this.#signature = read.signature;
    else if (read !== undefined) this.#add("assistant", [{ kind: "reasoning", text, signature: read.signature }]);
    else if (text !== "") this.#add("assistant", [{ kind: "reasoning", text }]);
  }

  #image(item: Fields): void {
    const result = item.string("result");
    if (result === undefined) return;
    const data = standardBase64(result) ?? item.fault("result", "must be base64");
    this.#add("assistant", [{ kind: "image", source: { kind: "base64", mediaType: imageType(data), data } }]);
  }

  #add(...turn: ["user", readonly UserPart[]] | ["assistant", readonly AssistantPart[]]): void {
    const [role, parts] = turn;
    if (role === "user") this.#signature = undefined;
    const last = this.messages.at(-1);
    if (last?.role !== role) this.messages.push({ role, parts: [...parts] } as Message);
    else this.messages[this.messages.length - 1] = { role, parts: [...last.parts, ...parts] } as Message;
  }
}

/** The API does not say of what type a picture is; its first bytes do. */
function imageType(base64: string): string {
  if (base64.startsWith("/9j/")) return "image/jpeg";
  return base64.startsWith("UklGR") ? "image/webp" : "image/png";
}

/** @param body whose `input` is a string or a list of items. */
export function readInput(body: Fields, losses: Losses): ReadInput {
  const reader = new InputReader(losses);
  const input = body.value("input");
  if (typeof input === "string") reader.user([{ kind: "text", text: input }]);
  else if (input === undefined) body.fault("input", "is missing");
  else for (const item of body.objects("input")) reader.item(item);
  return reader;
}
