/** The official Anthropic SDK. */
import Anthropic, { APIError } from "@anthropic-ai/sdk";
import type { Message, MessageParam } from "@anthropic-ai/sdk/resources/messages";
import type { PairClient, Question, Reply, SeenError } from "./client.ts";
import { SCHEMA, SYSTEM, TOOLS } from "./scene.ts";

const STOPS: Readonly<Record<string, string>> = {
  end_turn: "stop",
  max_tokens: "length",
  tool_use: "tool_calls",
  refusal: "filtered",
};
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
  const retryAfter = (error.headers as Headers | undefined)?.get("retry-after") ?? undefined;
  return { name: error.constructor.name, status: status as number | undefined, message, retryAfter };
}

/** `POST /v1/messages`. */
export function anthropicClient(origin: string): PairClient {
  const client = new Anthropic({ baseURL: origin, apiKey: "client", maxRetries: 0 });
  const ask = async (question: Question, stream: boolean): Promise<Reply> => {
    const messages = messagesOf(question);
    const body = {
      model: "claude-sonnet-4-6",
      max_tokens: 16_000,
      system: SYSTEM,
      messages,
      ...(question.tools === true
        ? { tools: TOOLS.map((name) => ({ name, description: `The ${name} of a city`, input_schema: SCHEMA })) }
        : {}),
      ...(question.schema === true
        ? { output_config: { format: { type: "json_schema" as const, schema: SCHEMA } } }
        : {}),
      ...(question.thinks === true ? { thinking: { type: "enabled" as const, budget_tokens: 4000 } } : {}),
    };
    const options = question.signal === undefined ? {} : { signal: question.signal };
    if (!stream) return reply(messages, await client.messages.create(body, options));
    const runner = client.messages.stream(body, options);
    runner.on("text", (piece) => question.onText?.(piece));
    return reply(messages, await runner.finalMessage());
  };
  return { name: "anthropic", dialect: "anthropic", showsThoughts: true, ask, seen, classes: CLASSES };
}

function messagesOf({ text, image, after }: Question): MessageParam[] {
  if (after !== undefined) {
    const content = after.results.map((result, i) => ({
      type: "tool_result" as const,
      tool_use_id: after.said.calls[i]!.id,
      content: result,
    }));
    return [...(after.history as MessageParam[]), { role: "user", content }];
  }
  const picture =
    image === undefined
      ? []
      : [
          {
            type: "image" as const,
            source: { type: "base64" as const, media_type: image.mediaType as "image/png", data: image.data },
          },
        ];
  return [{ role: "user", content: [{ type: "text", text }, ...picture] }];
}

function reply(messages: readonly MessageParam[], message: Message): Reply {
  const { content, usage } = message;
  const cached = usage.cache_read_input_tokens ?? 0;
  const said = {
    text: content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join(""),
    thoughts: content.flatMap((block) => (block.type === "thinking" ? [block.thinking] : [])).join(""),
    calls: content.flatMap((block) =>
      block.type === "tool_use" ? [{ id: block.id, name: block.name, input: block.input }] : [],
    ),
    stop: STOPS[message.stop_reason!] ?? String(message.stop_reason),
    usage: {
      input: usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0),
      output: usage.output_tokens,
      cached,
    },
  };
  return { said, history: [...messages, { role: "assistant", content }] };
}
