/** The official Google SDK. */
import { ApiError, GoogleGenAI } from "@google/genai";
import type { Content, GenerateContentResponse, Part } from "@google/genai";
import type { PairClient, Question, Reply, SeenError } from "./client.ts";
import { SCHEMA, SYSTEM, TOOLS } from "./scene.ts";

/** It has one class of errors for all statuses. */
const CLASSES = { 0: "ApiError", 400: "ApiError", 404: "ApiError", 429: "ApiError", 500: "ApiError", 502: "ApiError" };

function seen(error: unknown): SeenError {
  if (!(error instanceof ApiError)) throw error;
  return { name: error.name, status: error.status, message: error.message, retryAfter: undefined };
}

/** `generateContent` and `streamGenerateContent`. */
export function googleClient(origin: string): PairClient {
  const client = new GoogleGenAI({ apiKey: "client", httpOptions: { baseUrl: origin } });
  const ask = async (question: Question, stream: boolean): Promise<Reply> => {
    const contents = contentsOf(question);
    const request = {
      model: "gemini-2.5-flash",
      contents,
      config: {
        systemInstruction: SYSTEM,
        ...(question.signal === undefined ? {} : { abortSignal: question.signal }),
        ...(question.tools === true
          ? {
              tools: [
                {
                  functionDeclarations: TOOLS.map((name) => ({
                    name,
                    description: `The ${name} of a city`,
                    parametersJsonSchema: SCHEMA,
                  })),
                },
              ],
            }
          : {}),
        ...(question.schema === true ? { responseMimeType: "application/json", responseJsonSchema: SCHEMA } : {}),
        ...(question.thinks === true ? { thinkingConfig: { includeThoughts: true, thinkingBudget: 4000 } } : {}),
      },
    };
    if (!stream) return reply(contents, [await client.models.generateContent(request)]);
    const chunks: GenerateContentResponse[] = [];
    for await (const chunk of await client.models.generateContentStream(request)) {
      chunks.push(chunk);
      for (const { text, thought } of chunk.candidates?.[0]?.content?.parts ?? []) {
        if (text !== undefined && text !== "" && thought !== true) question.onText?.(text);
      }
    }
    return reply(contents, chunks);
  };
  return { name: "google", dialect: "gemini", showsThoughts: true, ask, seen, classes: CLASSES };
}

function contentsOf({ text, image, after }: Question): Content[] {
  if (after !== undefined) {
    const parts = after.results.map((output, i) => {
      const { id, name } = after.said.calls[i]!;
      return { functionResponse: { ...(id === "" ? {} : { id }), name, response: { output } } };
    });
    return [...(after.history as Content[]), { role: "user", parts }];
  }
  const picture: Part[] = image === undefined ? [] : [{ inlineData: { mimeType: image.mediaType, data: image.data } }];
  return [{ role: "user", parts: [{ text }, ...picture] }];
}

function reply(contents: readonly Content[], chunks: readonly GenerateContentResponse[]): Reply {
  const parts = chunks.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
  const usage = chunks.findLast(({ usageMetadata }) => usageMetadata !== undefined)?.usageMetadata;
  const finish = chunks.findLast(({ candidates }) => candidates?.[0]?.finishReason !== undefined);
  const calls = parts.flatMap(({ functionCall }) =>
    functionCall === undefined
      ? []
      : [{ id: functionCall.id ?? "", name: functionCall.name!, input: functionCall.args }],
  );
  const said = {
    text: parts.map(({ text, thought }) => (thought === true ? "" : (text ?? ""))).join(""),
    thoughts: parts.map(({ text, thought }) => (thought === true ? (text ?? "") : "")).join(""),
    calls,
    stop: stopOf(finish?.candidates?.[0]?.finishReason, calls.length > 0),
    usage: {
      input: (usage?.promptTokenCount ?? 0) + (usage?.toolUsePromptTokenCount ?? 0),
      output: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
      cached: usage?.cachedContentTokenCount ?? 0,
    },
  };
  return { said, history: [...contents, { role: "model", parts }] };
}

function stopOf(reason: string | undefined, hasCalls: boolean): string {
  if (reason === "STOP") return hasCalls ? "tool_calls" : "stop";
  return reason === "MAX_TOKENS" ? "length" : "filtered";
}
