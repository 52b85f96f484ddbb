/** Vercel's AI SDK with its three providers; OpenAI's speaks both of that API's forms. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { APICallError, generateText, jsonSchema, Output, streamText, tool } from "ai";
import type { LanguageModel, ModelMessage, ToolSet } from "ai";
import type { PairClient, Question, Reply, SeenError } from "./client.ts";
import { SCHEMA, SYSTEM, TOOLS } from "./scene.ts";
import type { Said } from "./scene.ts";

// What it can't carry it tells on the console.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

const CLASSES = {
  // In the middle of a stream it hands on what the provider's event held.
  0: "",
  400: "AI_APICallError",
  404: "AI_APICallError",
  429: "AI_APICallError",
  500: "AI_APICallError",
  502: "AI_APICallError",
};
const STOPS: Readonly<Record<string, string>> = { "tool-calls": "tool_calls", "content-filter": "filtered" };
/** Otherwise the second step of a Responses conversation names items by their ids, which only OpenAI holds. */
const PROVIDER_OPTIONS = { openai: { store: false } };
const THINKING_OPTIONS = { ...PROVIDER_OPTIONS, google: { thinkingConfig: { includeThoughts: true } } };

/** All four. */
export function vercelClients(origin: string): readonly PairClient[] {
  const openai = createOpenAI({ baseURL: `${origin}/v1`, apiKey: "client" });
  const anthropic = createAnthropic({ baseURL: `${origin}/v1`, apiKey: "client" });
  const google = createGoogleGenerativeAI({ baseURL: `${origin}/v1beta`, apiKey: "client" });
  return [
    // Chat completions have no thoughts in this provider.
    clientOf({ name: "vercel openai chat", dialect: "openai", showsThoughts: false }, openai.chat("gpt-5.2")),
    clientOf({ name: "vercel openai responses", dialect: "openai", showsThoughts: true }, openai("gpt-5.2")),
    clientOf({ name: "vercel anthropic", dialect: "anthropic", showsThoughts: true }, anthropic("claude-sonnet-4-6")),
    clientOf({ name: "vercel google", dialect: "gemini", showsThoughts: true }, google("gemini-2.5-flash")),
  ];
}

function clientOf(traits: Pick<PairClient, "name" | "dialect" | "showsThoughts">, model: LanguageModel): PairClient {
  return { ...traits, classes: CLASSES, seen, ask: (question, stream) => ask(model, question, stream) };
}

function seen(error: unknown): SeenError {
  if (APICallError.isInstance(error)) {
    const { name, statusCode: status, message, responseHeaders } = error;
    return { name, status, message, retryAfter: responseHeaders?.["retry-after"] };
  }
  const told = JSON.stringify(error, Object.getOwnPropertyNames(error ?? {}));
  return { name: "", status: undefined, message: typeof error === "string" ? error : told, retryAfter: undefined };
}

const tools = Object.fromEntries(
  TOOLS.map((name) => [name, tool({ description: `The ${name} of a city`, inputSchema: jsonSchema(SCHEMA) })]),
) as ToolSet;

async function ask(model: LanguageModel, question: Question, stream: boolean): Promise<Reply> {
  const messages = messagesOf(question);
  const options = {
    model,
    instructions: SYSTEM,
    messages,
    maxRetries: 0,
    providerOptions: question.thinks === true ? THINKING_OPTIONS : PROVIDER_OPTIONS,
    ...(question.signal === undefined ? {} : { abortSignal: question.signal }),
    ...(question.tools === true ? { tools } : {}),
    ...(question.schema === true ? { output: Output.object({ schema: jsonSchema<{ city: string }>(SCHEMA) }) } : {}),
    ...(question.thinks === true ? { reasoning: "high" as const } : {}),
  };
  if (!stream) {
    const result = await generateText(options);
    return { said: saidOf(result), history: [...messages, ...result.responseMessages] };
  }
  let failure: { readonly error: unknown } | undefined;
  const result = streamText({ ...options, onError: ({ error }) => void (failure ??= { error }) });
  for await (const piece of result.textStream) question.onText?.(piece);
  if (failure !== undefined) throw failure.error;
  const [text, reasoningText, toolCalls, finishReason, usage, responseMessages] = await Promise.all([
    result.text,
    result.reasoningText,
    result.toolCalls,
    result.finishReason,
    result.usage,
    result.responseMessages,
  ]);
  const said = saidOf({ text, reasoningText, toolCalls, finishReason, usage });
  return { said, history: [...messages, ...responseMessages] };
}

interface Result {
  readonly text: string;
  readonly reasoningText: string | undefined;
  readonly toolCalls: readonly {
    readonly toolCallId: string;
    readonly toolName: string;
    readonly input: unknown;
    readonly providerExecuted?: boolean | undefined;
  }[];
  readonly finishReason: string;
  readonly usage: {
    readonly inputTokens: number | undefined;
    readonly outputTokens: number | undefined;
    readonly inputTokenDetails: { readonly cacheReadTokens: number | undefined };
  };
}

function saidOf({ text, reasoningText, toolCalls, finishReason, usage }: Result): Said {
  return {
    text,
    thoughts: reasoningText ?? "",
    // What the provider runs itself is nobody's to answer.
    calls: toolCalls
      .filter(({ providerExecuted }) => providerExecuted !== true)
      .map(({ toolCallId: id, toolName: name, input }) => ({ id, name, input })),
    stop: STOPS[finishReason] ?? finishReason,
    usage: {
      input: usage.inputTokens ?? 0,
      output: usage.outputTokens ?? 0,
      cached: usage.inputTokenDetails.cacheReadTokens ?? 0,
    },
  };
}

function messagesOf({ text, image, after }: Question): ModelMessage[] {
  if (after !== undefined) {
    const content = after.results.map((value, i) => ({
      type: "tool-result" as const,
      toolCallId: after.said.calls[i]!.id,
      toolName: after.said.calls[i]!.name,
      output: { type: "text" as const, value },
    }));
    return [...(after.history as ModelMessage[]), { role: "tool", content }];
  }
  const picture = image === undefined ? [] : [{ type: "file" as const, mediaType: image.mediaType, data: image.data }];
  return [{ role: "user", content: [{ type: "text", text }, ...picture] }];
}
