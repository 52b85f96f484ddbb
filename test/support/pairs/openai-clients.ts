/** The official OpenAI SDK, by its chat and by its Responses API. */
import OpenAI, { APIError } from "openai";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessageParam,
} from "openai/resources/chat/completions";
import type { CompletionUsage } from "openai/resources/completions";
import type { Response, ResponseInput, ResponseInputItem } from "openai/resources/responses/responses";
import { parsed } from "./client.ts";
import type { PairClient, Question, Reply, SeenError } from "./client.ts";
import { SCHEMA, SYSTEM, TOOLS } from "./scene.ts";
import type { Said } from "./scene.ts";

const FINISH: Readonly<Record<string, string>> = { content_filter: "filtered" };
const CLASSES = {
  0: "APIError",
  400: "BadRequestError",
  404: "NotFoundError",
  429: "RateLimitError",
  500: "InternalServerError",
  502: "InternalServerError",
};

function seen(error: unknown): SeenError {
  if (!(error instanceof APIError)) throw error;
  const { status, message } = error;
  const retryAfter = error.headers?.get("retry-after") ?? undefined;
  return { name: error.constructor.name, status, message, retryAfter };
}

/**
 * `POST /v1/chat/completions`.
 *
 * @param reads streams: by the SDK's helper, which checks what it adds up and takes no imitator's liberties; or event by event.
 */
export function chatClient(origin: string, reads: "helper" | "events" = "helper"): PairClient {
  const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: "client", maxRetries: 0 });
  const ask = async (question: Question, stream: boolean): Promise<Reply> => {
    const messages = chatMessages(question);
    const body = {
      model: "gpt-5.2",
      messages,
      ...(question.tools === true
        ? {
            tools: TOOLS.map((name) => ({
              type: "function" as const,
              function: { name, description: `The ${name} of a city`, parameters: SCHEMA },
            })),
          }
        : {}),
      ...(question.schema === true
        ? {
            response_format: {
              type: "json_schema" as const,
              json_schema: { name: "place", schema: SCHEMA, strict: true },
            },
          }
        : {}),
      ...(question.thinks === true ? { reasoning_effort: "high" as const } : {}),
    };
    const options = question.signal === undefined ? {} : { signal: question.signal };
    if (!stream) {
      const completion = await client.chat.completions.create(body, options);
      return chatReply(messages, completion);
    }
    const streamed = { ...body, stream: true as const, stream_options: { include_usage: true } };
    const events = new ChatEvents(question.onText);
    if (reads === "events") {
      for await (const event of await client.chat.completions.create(streamed, options)) events.add(event);
      return { said: events.said(), history: undefined };
    }
    const runner = client.chat.completions.stream(streamed, options);
    runner.on("chunk", (event) => events.add(event));
    const completion = await runner.finalChatCompletion();
    const { said, history } = chatReply(messages, completion);
    const { thoughts, usage } = events.said();
    return { said: { ...said, thoughts, usage }, history };
  };
  return { name: "openai chat", dialect: "openai", showsThoughts: true, ask, seen, classes: CLASSES };
}

function chatMessages({ text, image, after }: Question): ChatCompletionMessageParam[] {
  if (after !== undefined) {
    const results = after.results.map((content, i) => ({
      role: "tool" as const,
      tool_call_id: after.said.calls[i]!.id,
      content,
    }));
    return [...(after.history as ChatCompletionMessageParam[]), ...results];
  }
  const parts = [{ type: "text" as const, text }];
  const picture =
    image === undefined
      ? []
      : [{ type: "image_url" as const, image_url: { url: `data:${image.mediaType};base64,${image.data}` } }];
  return [
    { role: "system", content: SYSTEM },
    { role: "user", content: [...parts, ...picture] },
  ];
}

/** What imitators add to the API is in no type of the SDK's. */
interface Imitated {
  readonly x_groq?: { readonly usage?: CompletionUsage };
}

function thoughtsOf(said: object = {}): string {
  const { reasoning_content: content, reasoning } = said as { reasoning_content?: string; reasoning?: string };
  return content ?? reasoning ?? "";
}

function usageOf(usage: CompletionUsage | null | undefined): Said["usage"] {
  return {
    input: usage?.prompt_tokens ?? 0,
    // In some imitators' streams thoughts are in the total alone.
    output: (usage?.total_tokens ?? 0) - (usage?.prompt_tokens ?? 0),
    cached: usage?.prompt_tokens_details?.cached_tokens ?? 0,
  };
}

/** What a stream's events come to, added up as its users do. */
class ChatEvents {
  readonly #onText: ((piece: string) => void) | undefined;
  #text = "";
  #thoughts = "";
  #finish = "";
  #usage: CompletionUsage | undefined;
  readonly #calls: { id: string; name: string; json: string }[] = [];

  constructor(onText: ((piece: string) => void) | undefined) {
    this.#onText = onText;
  }

  add(event: ChatCompletionChunk): void {
    this.#usage = event.usage ?? (event as Imitated).x_groq?.usage ?? this.#usage;
    const [choice] = event.choices;
    if (choice === undefined) return;
    const { content, tool_calls: calls = [] } = choice.delta;
    this.#finish = choice.finish_reason ?? this.#finish;
    this.#thoughts += thoughtsOf(choice.delta);
    this.#text += content ?? "";
    if (typeof content === "string" && content !== "") this.#onText?.(content);
    for (const { index, id, function: called } of calls) {
      const call = (this.#calls[index] ??= { id: "", name: "", json: "" });
      call.id ||= id ?? "";
      call.name ||= called?.name ?? "";
      call.json += called?.arguments ?? "";
    }
  }

  said(): Said {
    return {
      text: this.#text,
      thoughts: this.#thoughts,
      calls: this.#calls.map(({ id, name, json }) => ({ id, name, input: parsed(json) })),
      stop: FINISH[this.#finish] ?? this.#finish,
      usage: usageOf(this.#usage),
    };
  }
}

function chatReply(messages: readonly ChatCompletionMessageParam[], { choices, usage }: ChatCompletion): Reply {
  const { message, finish_reason: finish } = choices[0]!;
  const said: Said = {
    text: message.content ?? "",
    thoughts: thoughtsOf(message),
    calls: (message.tool_calls ?? []).flatMap((call) =>
      call.type === "function"
        ? [{ id: call.id, name: call.function.name, input: parsed(call.function.arguments) }]
        : [],
    ),
    stop: FINISH[finish] ?? finish,
    usage: usageOf(usage),
  };
  return { said, history: [...messages, message] };
}

/** `POST /v1/responses`. */
export function responsesClient(origin: string): PairClient {
  const client = new OpenAI({ baseURL: `${origin}/v1`, apiKey: "client", maxRetries: 0 });
  const ask = async (question: Question, stream: boolean): Promise<Reply> => {
    const input = responsesInput(question);
    const body = {
      model: "gpt-5.2",
      instructions: SYSTEM,
      input,
      ...(question.tools === true
        ? {
            tools: TOOLS.map((name) => ({
              type: "function" as const,
              name,
              description: `The ${name} of a city`,
              parameters: SCHEMA,
              strict: true,
            })),
          }
        : {}),
      ...(question.schema === true
        ? { text: { format: { type: "json_schema" as const, name: "place", schema: SCHEMA, strict: true } } }
        : {}),
      ...(question.thinks === true ? { reasoning: { effort: "high" as const, summary: "auto" as const } } : {}),
    };
    const options = question.signal === undefined ? {} : { signal: question.signal };
    if (!stream) return responsesReply(input, await client.responses.create(body, options));
    const runner = client.responses.stream(body, options);
    runner.on("response.output_text.delta", ({ delta }) => question.onText?.(delta));
    return responsesReply(input, await runner.finalResponse());
  };
  return { name: "openai responses", dialect: "openai", showsThoughts: true, ask, seen, classes: CLASSES };
}

function responsesInput({ text, image, after }: Question): ResponseInput {
  if (after !== undefined) {
    const results = after.results.map((output, i) => ({
      type: "function_call_output" as const,
      call_id: after.said.calls[i]!.id,
      output,
    }));
    return [...(after.history as ResponseInput), ...results];
  }
  const picture =
    image === undefined
      ? []
      : [
          {
            type: "input_image" as const,
            detail: "auto" as const,
            image_url: `data:${image.mediaType};base64,${image.data}`,
          },
        ];
  return [{ role: "user", content: [{ type: "input_text", text }, ...picture] }];
}

function responsesReply(input: ResponseInput, response: Response): Reply {
  const { output, usage, status, incomplete_details: details } = response;
  const calls = output.flatMap((item) =>
    item.type === "function_call" ? [{ id: item.call_id, name: item.name, input: parsed(item.arguments) }] : [],
  );
  const whole = calls.length > 0 ? "tool_calls" : "stop";
  const cut = details?.reason === "content_filter" ? "filtered" : "length";
  const said: Said = {
    text: response.output_text,
    thoughts: output
      .flatMap((item) => (item.type === "reasoning" ? item.summary.map(({ text }) => text) : []))
      .join(""),
    calls,
    stop: status === "completed" ? whole : status === "incomplete" ? cut : String(status),
    usage: {
      input: usage?.input_tokens ?? 0,
      output: usage?.output_tokens ?? 0,
      cached: usage?.input_tokens_details.cached_tokens ?? 0,
    },
  };
  return { said, history: [...input, ...(output as ResponseInputItem[])] };
}
