/** The three upstream APIs as their own providers speak them, written by hand: nothing here is the gateway's. */
import type { ReceivedRequest } from "../scripted-upstream.ts";
import { USAGE } from "./scene.ts";
import type { Heard, Scene } from "./scene.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of three APIs, read by hand
type Json = any;

/** One API as its provider speaks it. */
export interface UpstreamApi {
  readonly dialect: "openai" | "anthropic" | "gemini";
  /** Below the origin. */
  readonly base: string;
  /** What the upstream calls the model. */
  readonly model: string;
  answer(scene: Scene): string;
  /** Whole events, the last ones those of the end. */
  events(scene: Scene): readonly string[];
  errorBody(status: number, message: string): string;
  /** An error in the middle of a stream. */
  errorEvent(message: string): string;
  heard(request: ReceivedRequest): Heard;
}

const bodyOf = (request: ReceivedRequest): Json => JSON.parse(request.body.toString("utf8"));
const list = (value: Json): Json[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
const joined = (pieces: readonly string[] = []): string => pieces.join("");

const CHAT_FINISH = { stop: "stop", length: "length", tool_calls: "tool_calls", filtered: "content_filter" } as const;
const CHAT_USAGE = {
  prompt_tokens: USAGE.input,
  completion_tokens: USAGE.output,
  total_tokens: USAGE.input + USAGE.output,
  prompt_tokens_details: { cached_tokens: USAGE.cached },
};

const chatEvent = (choices: readonly object[], more: object = {}): string => {
  const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "gpt-5.2" };
  return `data: ${JSON.stringify({ ...head, choices, ...more })}\n\n`;
};
const delta = (fields: object, finish: string | null = null): string =>
  chatEvent([{ index: 0, delta: fields, finish_reason: finish }]);

const openaiUpstream: UpstreamApi = {
  dialect: "openai",
  base: "/v1",
  model: "gpt-5.2",
  answer({ thoughts, text, calls, stop }) {
    const message = {
      role: "assistant",
      content: text.length === 0 ? null : joined(text),
      ...(thoughts === undefined ? {} : { reasoning_content: joined(thoughts) }),
      ...(calls === undefined
        ? {}
        : {
            tool_calls: calls.map(({ id, name, pieces }) => ({
              id,
              type: "function",
              function: { name, arguments: joined(pieces) },
            })),
          }),
    };
    const choices = [{ index: 0, message, finish_reason: CHAT_FINISH[stop] }];
    const head = { id: "chatcmpl-1", object: "chat.completion", created: 1_700_000_000, model: "gpt-5.2" };
    return JSON.stringify({ ...head, choices, usage: CHAT_USAGE });
  },
  events({ thoughts = [], text, calls = [], stop }) {
    return [
      delta({ role: "assistant", content: "" }),
      ...thoughts.map((piece) => delta({ reasoning_content: piece })),
      ...text.map((piece) => delta({ content: piece })),
      ...calls.flatMap(({ id, name, pieces }, index) => [
        delta({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] }),
        ...pieces.map((piece) => delta({ tool_calls: [{ index, function: { arguments: piece } }] })),
      ]),
      delta({}, CHAT_FINISH[stop]),
      chatEvent([], { usage: CHAT_USAGE }),
      "data: [DONE]\n\n",
    ];
  },
  errorBody: (status, message) =>
    JSON.stringify({ error: { message, type: status < 500 ? "invalid_request_error" : "server_error", code: "x" } }),
  errorEvent: (message) => `data: ${JSON.stringify({ error: { message, type: "server_error", code: "x" } })}\n\n`,
  heard(request) {
    const body = bodyOf(request);
    const messages: Json[] = body.messages;
    const parts = messages
      .filter(({ role }) => role === "user")
      .flatMap(({ content }) => (typeof content === "string" ? [{ type: "text", text: content }] : list(content)));
    return {
      stream: body.stream === true,
      model: body.model,
      system: messages.flatMap(({ role, content }) => (/system|developer/.test(role) ? textOf(content) : [])).join(""),
      texts: parts.flatMap(({ type, text }) => (type === "text" ? [text] : [])),
      images: parts.flatMap(({ type, image_url: image }) => {
        if (type !== "image_url") return [];
        const [, media, data] = /^data:([^;]+);base64,(.*)$/.exec(image.url)!;
        return [[media!, data!] as const];
      }),
      tools: list(body.tools).map((tool) => tool.function.name),
      schema: properties(body.response_format?.json_schema?.schema),
      calls: messages.flatMap(({ tool_calls: calls }) =>
        list(calls).map((call) => ({
          id: call.id,
          name: call.function.name,
          input: JSON.parse(call.function.arguments) as unknown,
        })),
      ),
      results: messages.flatMap(({ role, tool_call_id: id, content }) =>
        role === "tool" ? [{ id, text: textOf(content) }] : [],
      ),
      thinks: body.reasoning_effort !== undefined && body.reasoning_effort !== "none",
    };
  },
};

const ANTHROPIC_STOP = { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use", filtered: "refusal" } as const;
const ANTHROPIC_USAGE = {
  input_tokens: USAGE.input - USAGE.cached,
  cache_read_input_tokens: USAGE.cached,
  cache_creation_input_tokens: 0,
  output_tokens: USAGE.output,
};
const SIGNATURE = "c2lnbmF0dXJl";
const MESSAGE = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-6" };

const named = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const anthropicUpstream: UpstreamApi = {
  dialect: "anthropic",
  base: "/v1",
  model: "claude-sonnet-4-6",
  answer({ thoughts, text, calls = [], stop }) {
    const content = [
      ...(thoughts === undefined ? [] : [{ type: "thinking", thinking: joined(thoughts), signature: SIGNATURE }]),
      ...(text.length === 0 ? [] : [{ type: "text", text: joined(text) }]),
      ...calls.map(({ id, name, pieces }) => ({
        type: "tool_use",
        id,
        name,
        input: JSON.parse(joined(pieces)) as unknown,
      })),
    ];
    const message = { ...MESSAGE, content, stop_reason: ANTHROPIC_STOP[stop], stop_sequence: null };
    return JSON.stringify({ ...message, usage: ANTHROPIC_USAGE });
  },
  events({ thoughts, text, calls = [], stop }) {
    let index = -1;
    const block = (start: object, deltas: readonly object[]): string[] => {
      index++;
      return [
        named("content_block_start", { index, content_block: start }),
        ...deltas.map((fields) => named("content_block_delta", { index, delta: fields })),
        named("content_block_stop", { index }),
      ];
    };
    const start = { ...MESSAGE, content: [], stop_reason: null, stop_sequence: null };
    return [
      named("message_start", { message: { ...start, usage: { ...ANTHROPIC_USAGE, output_tokens: 1 } } }),
      named("ping", {}),
      ...(thoughts === undefined
        ? []
        : block({ type: "thinking", thinking: "", signature: "" }, [
            ...thoughts.map((thinking) => ({ type: "thinking_delta", thinking })),
            { type: "signature_delta", signature: SIGNATURE },
          ])),
      ...(text.length === 0
        ? []
        : block(
            { type: "text", text: "" },
            text.map((piece) => ({ type: "text_delta", text: piece })),
          )),
      ...calls.flatMap(({ id, name, pieces }) =>
        block(
          { type: "tool_use", id, name, input: {} },
          pieces.map((piece) => ({ type: "input_json_delta", partial_json: piece })),
        ),
      ),
      named("message_delta", {
        delta: { stop_reason: ANTHROPIC_STOP[stop], stop_sequence: null },
        usage: { output_tokens: USAGE.output },
      }),
      named("message_stop", {}),
    ];
  },
  errorBody: (status, message) => JSON.stringify({ type: "error", error: { type: anthropicType(status), message } }),
  errorEvent: (message) => named("error", { error: { type: "overloaded_error", message } }),
  heard(request) {
    const body = bodyOf(request);
    const blocks: Json[] = body.messages.flatMap(({ content }: Json) =>
      typeof content === "string" ? [{ type: "text", text: content }] : content,
    );
    const ofType = (type: string): Json[] => blocks.filter((block) => block.type === type);
    return {
      stream: body.stream === true,
      model: body.model,
      system: textOf(body.system ?? ""),
      texts: ofType("text").map(({ text }) => text),
      images: ofType("image").map(({ source }) => [source.media_type, source.data] as const),
      tools: list(body.tools).map(({ name }) => name),
      schema: properties((body.output_config?.format ?? body.output_format)?.schema),
      calls: ofType("tool_use").map(({ id, name, input }) => ({ id, name, input })),
      results: ofType("tool_result").map(({ tool_use_id: id, content }) => ({ id, text: textOf(content) })),
      thinks: body.thinking !== undefined && body.thinking.type !== "disabled",
    };
  },
};

function anthropicType(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 404) return "not_found_error";
  return status === 429 ? "rate_limit_error" : "api_error";
}

const GEMINI_FINISH = { stop: "STOP", length: "MAX_TOKENS", tool_calls: "STOP", filtered: "SAFETY" } as const;
const GEMINI_TAIL = {
  usageMetadata: {
    promptTokenCount: USAGE.input,
    cachedContentTokenCount: USAGE.cached,
    candidatesTokenCount: USAGE.output,
    totalTokenCount: USAGE.input + USAGE.output,
  },
  modelVersion: "gemini-2.5-flash",
  responseId: "resp-1",
};

const geminiParts = ({ thoughts, text, calls = [] }: Scene): object[] => [
  ...(thoughts ?? []).map((piece) => ({ text: piece, thought: true })),
  ...text.map((piece) => ({ text: piece })),
  // Gemini 2.5 gives its calls no ids.
  ...calls.map(({ name, pieces }) => ({ functionCall: { name, args: JSON.parse(joined(pieces)) as unknown } })),
];

const geminiUpstream: UpstreamApi = {
  dialect: "gemini",
  base: "/v1beta",
  model: "gemini-2.5-flash",
  answer(scene) {
    const content = { role: "model", parts: geminiParts(scene) };
    const finishReason = GEMINI_FINISH[scene.stop];
    return JSON.stringify({ candidates: [{ content, finishReason, index: 0 }], ...GEMINI_TAIL });
  },
  events(scene) {
    const event = (candidate: object): string =>
      `data: ${JSON.stringify({ candidates: [{ ...candidate, index: 0 }], ...GEMINI_TAIL })}\r\n\r\n`;
    return [
      ...geminiParts(scene).map((part) => event({ content: { role: "model", parts: [part] } })),
      event({ content: { role: "model", parts: [{ text: "" }] }, finishReason: GEMINI_FINISH[scene.stop] }),
    ];
  },
  errorBody: (status, message) => JSON.stringify({ error: { code: status, message, status: "X" } }),
  errorEvent: (message) => `data: ${JSON.stringify({ error: { code: 503, message, status: "UNAVAILABLE" } })}\r\n\r\n`,
  heard(request) {
    const body = bodyOf(request);
    const parts: Json[] = list(body.contents).flatMap(({ parts: inner }) => list(inner));
    const config = body.generationConfig ?? {};
    const calls = parts.flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall]));
    const results = parts.flatMap(({ functionResponse }) => (functionResponse === undefined ? [] : [functionResponse]));
    return {
      stream: request.head.includes(":streamGenerateContent"),
      model: /\/models\/([^:]+):/.exec(request.head)![1]!,
      system: list(body.systemInstruction?.parts)
        .map(({ text }) => text)
        .join(""),
      texts: parts.flatMap(({ text }) => (text === undefined || text === "" ? [] : [text])),
      images: parts.flatMap(({ inlineData }) =>
        inlineData === undefined ? [] : [[inlineData.mimeType, inlineData.data] as const],
      ),
      tools: list(body.tools).flatMap(({ functionDeclarations }) => list(functionDeclarations).map(({ name }) => name)),
      schema: properties(config.responseJsonSchema ?? config.responseSchema),
      calls: calls.map(({ id, name, args }) => ({ id, name, input: args })),
      results: results.map(({ id, response }) => ({ id, text: resultText(response) })),
      thinks: config.thinkingConfig !== undefined && config.thinkingConfig.thinkingBudget !== 0,
    };
  },
};

/** Vercel's provider calls it `content`, Google and we `output`. */
function resultText(response: Json): string {
  return String(response.output ?? response.content);
}

function properties(schema: Json): readonly string[] | undefined {
  return schema === undefined ? undefined : Object.keys(schema.properties);
}

function textOf(content: Json): string {
  return typeof content === "string"
    ? content
    : list(content)
        .map(({ text }) => text ?? "")
        .join("");
}

/** All of them. */
export const UPSTREAMS: readonly UpstreamApi[] = [openaiUpstream, anthropicUpstream, geminiUpstream];
