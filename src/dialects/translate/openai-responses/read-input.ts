/** The items of a request's `input`, read into turns. */
import { standardBase64 } from "../base64.ts";
import type { AssistantPart, Message, ReasoningSignature, TextPart, UserPart } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "../losses.ts";
import { readContent } from "./read-content.ts";
import { readSignature } from "./signature.ts";

/** What `input` says. */
export interface Conversation {
  readonly system: readonly TextPart[];
  readonly messages: readonly Message[];
}

const ROLES = ["user", "assistant", "system", "developer"] as const;

/** @param body whose `input` is a string or a list of items. @throws {FieldFault} where an item is none. */
export function readInput(body: Fields, losses: Losses): Conversation {
  const input = body.value("input");
  if (input === undefined) body.fault("input", "is missing");
  if (typeof input === "string")
    return { system: [], messages: [{ role: "user", parts: [{ kind: "text", text: input }] }] };
  return new Reader(losses).read(body.objects("input"));
}

class Reader {
  readonly #losses: Losses;
  readonly #system: TextPart[] = [];
  /** Neighbours of one role are one message. */
  readonly #messages: (
    | { readonly role: "user"; readonly parts: UserPart[] }
    | { readonly role: "assistant"; readonly parts: AssistantPart[] }
  )[] = [];
  /** The function of each call so far, by the call's id. */
  readonly #called = new Map<string, string>();
  /** Of the call that comes next. */
  #signature: ReasoningSignature | undefined;

  constructor(losses: Losses) {
    this.#losses = losses;
  }

  read(items: readonly Fields[]): Conversation {
    for (const item of items) {
      if (this.#isRead(item)) this.#losses.unread(item);
    }
    return { system: this.#system, messages: this.#messages };
  }

  /** @returns `false` for an item that was refused as a whole. */
  #isRead(item: Fields): boolean {
    const type = item.string("type") ?? "message";
    switch (type) {
      case "message":
        this.#message(item);
        return true;
      case "function_call":
        this.#call(item);
        return true;
      case "function_call_output":
        this.#result(item);
        return true;
      case "reasoning":
        this.#reasoning(item);
        return true;
      case "image_generation_call":
        this.#image(item);
        return false;
      case "item_reference":
        this.#losses.refuse(
          item.path,
          "only OpenAI holds the item; send the items themselves (AI SDK: `store: false`)",
        );
        return false;
      default:
        this.#losses.refuse(item.path, `other APIs have no item of the type ${JSON.stringify(type)}`);
        return false;
    }
  }

  #message(item: Fields): void {
    const role = item.oneOf("role", ROLES) ?? item.fault("role", "is missing");
    switch (role) {
      case "user":
        return this.#user(readContent(item, "content", ["text", "image", "document", "audio"], this.#losses));
      case "assistant":
        return this.#assistant(readContent(item, "content", ["text", "refusal", "image"], this.#losses));
      case "system":
      case "developer":
        return this.#instruct(item, role);
    }
  }

  #instruct(item: Fields, role: string): void {
    if (this.#messages.length > 0) {
      const reason = `other APIs have ${role} messages at the beginning alone; it is moved there`;
      this.#losses.lose(item.pathOf("role"), reason);
    }
    this.#system.push(...readContent(item, "content", ["text"], this.#losses));
  }

  #call(item: Fields): void {
    const id = item.requiredString("call_id");
    const name = item.requiredString("name");
    const json = item.requiredString("arguments");
    const signature = this.#signature === undefined ? {} : { signature: this.#signature };
    this.#called.set(id, name);
    this.#signature = undefined;
    const call = { id, name, arguments: json.trim() === "" ? "{}" : json, ...signature };
    this.#assistant([this.#losses.places.put({ kind: "tool_call", ...call }, item.path)]);
  }

  #result(item: Fields): void {
    const id = item.requiredString("call_id");
    const name = item.string("name") ?? this.#called.get(id);
    const content = readContent(item, "output", ["text", "image", "document"], this.#losses);
    const result = { id, name, content, isError: false };
    this.#user([this.#losses.places.put({ kind: "tool_result", ...result }, item.path)]);
  }

  #reasoning(item: Fields): void {
    const told = textsOf(item, "content");
    const summary = textsOf(item, "summary");
    const text = (told.length > 0 ? told : summary).join("\n\n");
    const encrypted = item.string("encrypted_content") ?? "";
    if (encrypted === "") return text === "" ? undefined : this.#assistant([{ kind: "reasoning", text }]);
    const { signature, ofCall } = readSignature(encrypted);
    if (!ofCall) return this.#assistant([{ kind: "reasoning", text, signature }]);
    this.#signature = signature;
    return undefined;
  }

  #image(item: Fields): void {
    const result = item.string("result");
    if (result === undefined) return;
    const data = standardBase64(result) ?? item.fault("result", "must be base64");
    const source = { kind: "base64", mediaType: imageType(data), data } as const;
    this.#assistant([this.#losses.places.put({ kind: "image", source }, item.path)]);
  }

  #user(parts: readonly UserPart[]): void {
    this.#signature = undefined;
    const last = this.#messages.at(-1);
    if (last?.role === "user") last.parts.push(...parts);
    else this.#messages.push({ role: "user", parts: [...parts] });
  }

  #assistant(parts: readonly AssistantPart[]): void {
    const last = this.#messages.at(-1);
    if (last?.role === "assistant") last.parts.push(...parts);
    else this.#messages.push({ role: "assistant", parts: [...parts] });
  }
}

function textsOf(item: Fields, key: string): string[] {
  return item.objects(key).map((part) => part.requiredString("text"));
}

/** The API does not say of what type a picture is; its first bytes do. */
function imageType(base64: string): string {
  if (base64.startsWith("/9j/")) return "image/jpeg";
  if (base64.startsWith("R0lGOD")) return "image/gif";
  return base64.startsWith("UklGR") ? "image/webp" : "image/png";
}
