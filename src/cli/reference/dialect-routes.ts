/** The routes of each API, with what the router says of them. */
import type { CallKind } from "../../relay/call.ts";
import { findRoute } from "../../server/router.ts";
import type { Route } from "../../server/router.ts";
import { markdownTable } from "./markdown-table.ts";

const MODEL = "MODEL";

/** As callers write them. */
const CALLS: readonly (readonly [api: string, method: string, path: string])[] = [
  ["OpenAI", "POST", "/v1/chat/completions"],
  ["OpenAI", "POST", "/v1/responses"],
  ["OpenAI", "GET", "/v1/responses/ID"],
  ["OpenAI", "DELETE", "/v1/responses/ID"],
  ["OpenAI", "POST", "/v1/responses/ID/cancel"],
  ["OpenAI", "POST", "/v1/completions"],
  ["OpenAI", "POST", "/v1/embeddings"],
  ["OpenAI, Anthropic", "GET", "/v1/models"],
  ["OpenAI, Anthropic", "GET", `/v1/models/${MODEL}`],
  ["Anthropic", "POST", "/v1/messages"],
  ["Anthropic", "POST", "/v1/messages/count_tokens"],
  ["Gemini", "POST", `/v1beta/models/${MODEL}:generateContent`],
  ["Gemini", "POST", `/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`],
  ["Gemini", "POST", `/v1beta/models/${MODEL}:streamGenerateContent`],
  ["Gemini", "POST", `/v1beta/models/${MODEL}:countTokens`],
  ["Gemini", "POST", `/v1beta/models/${MODEL}:embedContent`],
  ["Gemini", "POST", `/v1beta/models/${MODEL}:batchEmbedContents`],
  ["Gemini", "GET", "/v1beta/models"],
  ["Gemini", "GET", `/v1beta/models/${MODEL}`],
];

/** A table of them. @throws where the router does not know one. */
export function renderRoutes(): string {
  const rows = CALLS.map(([api, method, path]) => {
    const route = findRoute(method, path);
    if (route === undefined || !("kind" in route)) throw new Error(`${method} ${path} is no route`);
    return [`\`${method} ${path}\``, api, becomes(route)];
  });
  return markdownTable(["route", "API", "another API"], rows);
}

function becomes(route: Route): string {
  if (route.kind !== "call")
    return "answered here: what the config names and the key may use, in the shape of the caller's API";
  return becomesOf(route.call);
}

function becomesOf(call: CallKind): string {
  if (call.kind === "stored") return "400 `dialect_mismatch`: only the provider has it";
  if (call.kind === "prompt") throw new Error(`${call.route} is of no API`);
  if (call.counts === true) return "counted here, and marked with `x-headwaiter-counted`";
  if (call.front === undefined) return "400 `dialect_mismatch`";
  const chat =
    "translated; also to chat completions where a server of OpenAI's API has no such route (`responses` of the upstream)";
  return call.front === "openai_responses" ? chat : "translated";
}
