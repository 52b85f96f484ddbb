/** A caller's request, `POST /v1/messages` (https://platform.claude.com/docs/en/api/messages), as the common form has it. */
import type { CacheMark, CommonRequest, Message, TextPart } from "../common.ts";
import { FieldFault, Fields, reading } from "../json-pick.ts";
import type { ReadRequest } from "../translation.ts";
import type { Losses } from "../losses.ts";
import { anthropicLosses } from "./losses.ts";
import { readAssistantContent, readCacheMark, readTexts, readUserContent } from "./read-content.ts";
import type { ContentReader } from "./read-content.ts";
import { readOutput } from "./read-output.ts";
import { readToolChoice, readTools } from "./read-tools.ts";

/** See {@link FrontTranslation.readRequest}. The path says nothing: model and `stream` stand in the body. */
export function readRequest(body: unknown): ReadRequest {
  return read(body, readMaxTokens);
}

/** The same for `POST /v1/messages/count_tokens`, which has no `max_tokens`. */
export function readCountRequest(body: unknown): ReadRequest {
  return read(body, () => undefined);
}

function readMaxTokens(fields: Fields, losses: Losses): number {
  const maxTokens = fields.integer("max_tokens", { min: 0 }) ?? fields.fault("max_tokens", "is missing");
  if (maxTokens === 0) {
    losses.refuse("max_tokens", "0 fills Anthropic's cache, and no other");
  }
  return maxTokens;
}

function read(body: unknown, maxTokensOf: (fields: Fields, losses: Losses) => number | undefined): ReadRequest {
  const losses = anthropicLosses();
  const result = reading(() => {
    const fields = new Fields(body);
    const request = readFields(fields, maxTokensOf(fields, losses), losses);
    losses.unread(fields);
    return request;
  });
  if (result instanceof FieldFault) {
    return { ok: false, fault: { field: result.field, message: result.message } };
  }
  const visible = result.reasoning?.visible;
  const thoughts = visible === undefined ? "hidden" : visible ? "told" : "proved";
  return { ok: true, request: result, losses: losses.found, places: losses.places, thoughts };
}

function readFields(fields: Fields, maxTokens: number | undefined, losses: Losses): CommonRequest {
  const { system, messages } = readConversation(fields, losses);
  const userId = readUserId(fields, losses);
  const { cache } = readCacheMark(fields);
  return {
    model: fields.requiredString("model"),
    stream: fields.boolean("stream") ?? false,
    wantsUsage: true,
    system,
    messages: cache === undefined ? messages : withLastMarked(messages, cache, losses),
    tools: readTools(fields, losses),
    ...readToolChoice(fields, losses),
    maxTokens,
    temperature: fields.number("temperature", { min: 0, max: 1 }),
    topP: fields.number("top_p", { min: 0, max: 1 }),
    topK: fields.integer("top_k", { min: 0 }),
    seed: undefined,
    presencePenalty: undefined,
    frequencyPenalty: undefined,
    stop: fields.strings("stop_sequences") ?? [],
    ...readOutput(fields, losses),
    logprobs: undefined,
    userId,
  };
}

interface Conversation {
  readonly system: readonly TextPart[];
  readonly messages: Message[];
}

function readConversation(fields: Fields, losses: Losses): Conversation {
  const system = fields.has("system") ? readTexts(fields, "system", losses) : [];
  fields.value("system");
  if (!fields.has("messages")) fields.fault("messages", "is missing");
  const messages: Message[] = [];
  const reader: ContentReader = { losses, toolNames: new Map() };
  for (const message of fields.objects("messages")) {
    const role = message.oneOf("role", ["user", "assistant", "system"]) ?? message.fault("role", "is missing");
    if (role === "user") messages.push({ role, parts: readUserContent(message, reader) });
    else if (role === "assistant") messages.push({ role, parts: readAssistantContent(message, reader) });
    else {
      system.push(...readTexts(message, "content", losses));
      if (messages.length > 0) {
        const reason = "other APIs have system prompts at the conversation's beginning alone";
        losses.lose(message.pathOf("role"), reason);
      }
    }
    losses.unread(message);
  }
  return { system, messages };
}

function readUserId(fields: Fields, losses: Losses): string | undefined {
  const metadata = fields.object("metadata");
  if (metadata === undefined) return undefined;
  const userId = metadata.string("user_id");
  losses.unread(metadata);
  return userId;
}

/** `cache_control` of the whole request stands for a mark on the last block that takes one. */
function withLastMarked(messages: readonly Message[], cache: CacheMark, { places }: Losses): Message[] {
  const marked = [...messages];
  const message = marked.pop();
  if (message === undefined) return marked;
  const takesMark = ({ kind }: { readonly kind: string }): boolean => kind !== "reasoning" && kind !== "refusal";
  const last = message.parts.findLastIndex(takesMark);
  const parts = message.parts.map((part, i) => (i === last ? places.move(part, { ...part, cache }) : part));
  return [...marked, { ...message, parts } as Message];
}
