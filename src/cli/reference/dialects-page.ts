/** The reference page of the APIs and of what is translated between them, made from the router and from the translations. */
import { ANTHROPIC_FIELDS } from "../../dialects/translate/anthropic/fields.ts";
import { traitsOf } from "../../dialects/translate/anthropic/models.ts";
import type { StopReason } from "../../dialects/translate/common.ts";
import { budgetOfEffort } from "../../dialects/translate/effort.ts";
import type { Effort } from "../../dialects/translate/effort.ts";
import type { FieldRow } from "../../dialects/translate/field-row.ts";
import { GEMINI_FIELDS } from "../../dialects/translate/gemini/fields.ts";
import { CHAT_FIELDS } from "../../dialects/translate/openai-chat/fields.ts";
import { openaiChatBackAt } from "../../dialects/translate/openai-chat/translation.ts";
import { RESPONSES_FIELDS } from "../../dialects/translate/openai-responses/fields.ts";
import { BACKS, FRONTS } from "../../dialects/translate/registry.ts";
import type { BackName, FrontName } from "../../dialects/translate/registry.ts";
import type { BackTranslation } from "../../dialects/translate/translation.ts";
import { at } from "../../dialects/json-access.ts";
import { DIALECT_PROBES, PLAIN } from "./dialect-probes.ts";
import type { DialectProbe } from "./dialect-probes.ts";
import { renderRoutes } from "./dialect-routes.ts";
import { markdownTable } from "./markdown-table.ts";
import { addedFields } from "./written-fields.ts";

const INTRODUCTION = `# APIs and what passes between them

A client uses its official SDK with another base URL and asks for a model; which API the model's upstream speaks is the config's
business. Where both speak the same API, every byte of the body passes as it is, but for the model's name where the config gives it
another. Where they differ, the request is written anew in the upstream's API and the answer in the caller's.

What the upstream's API has no place for is never lost in silence: with \`translate: strict\` (the default) such a request is refused with 400
\`untranslatable\`, which names the field; with \`translate: lenient\` the field is dropped and named in \`x-headwaiter-dropped\`. What would
make another conversation of it without being seen, such as a \`previous_response_id\`, is refused in either case. What makes no answer wrong by
its absence is dropped and named in either case. A field that no table knows counts as one without a place.

A body of more than 256 KiB is translated on a thread of its own.`;

const ROUTES = `## Routes

*Another API*: what the route does where the model's upstream speaks another API than the route. Gemini's are served under \`/v1beta\` and \`/v1\`.`;

const SDKS = `### What SDKs have to be told

- Vercel's \`@ai-sdk/openai\` speaks the Responses API unless it is asked for \`openai.chat(…)\`, and then names the items of earlier steps by ids
  that only OpenAI knows. Over other upstreams set \`providerOptions: { openai: { store: false } }\`, or use \`openai.chat(…)\`.
- Anthropic's SDK takes the base URL without \`/v1\`, and so does Google's without \`/v1beta\`; OpenAI's and Vercel's take it with.
- Thoughts are given to callers who ask for them in their API's own way. OpenAI's chat API has none: there they come as \`reasoning_content\`, and
  their proofs as \`reasoning_details\`, which a client that wants to think on behind a tool's result sends back with the message.`;

const NAMES = `## What callers call it

– where their API has no such thing.`;

const PAIRS = `## What becomes of it

What an upstream of another API is sent for each of these, whoever asks: fields, with their values where it is not the caller's own that stands there.
Where it depends on the model or on the server, two of them are told. *Lost* and *refused* as in [the fields' tables](#fields-of-requests).`;

const FIELDS = `## Fields of requests

What becomes of each field where the upstream speaks another API: *carried* as far as the table above says; *harmless*: passed over, since
nothing is lost by it; *warned*: dropped and named in \`x-headwaiter-dropped\`; *lost*: refused by name, or where lenient dropped by name;
*refused*: always. Values that change nothing (\`null\`, an API's default) are never a loss.`;

const FRONT_TITLES: Readonly<Record<FrontName, string>> = {
  openai_chat: "OpenAI chat",
  openai_responses: "OpenAI responses",
  anthropic: "Anthropic",
  gemini: "Gemini",
};
const FRONT_NAMES = Object.keys(FRONT_TITLES) as FrontName[];
const FRONT_FIELDS: Readonly<Record<FrontName, readonly FieldRow[]>> = {
  openai_chat: CHAT_FIELDS,
  openai_responses: RESPONSES_FIELDS,
  anthropic: ANTHROPIC_FIELDS,
  gemini: GEMINI_FIELDS,
};

interface Variant {
  readonly title: string;
  readonly back: BackTranslation;
  readonly model: string;
}

/** What is written depends on the server, or on the model. */
const VARIANTS: Readonly<Record<BackName, readonly Variant[]>> = {
  openai: [
    { title: "OpenAI", back: openaiChatBackAt("api.openai.com"), model: "gpt-5.6" },
    { title: "vLLM and others", back: BACKS.openai, model: "llama-4" },
  ],
  anthropic: ["claude-sonnet-4-5", "claude-opus-4-8"].map((model) => ({
    title: `\`${model}\``,
    back: BACKS.anthropic,
    model,
  })),
  gemini: ["gemini-2.5-flash", "gemini-3-pro"].map((model) => ({ title: `\`${model}\``, back: BACKS.gemini, model })),
};
const BACK_TITLES: Readonly<Record<BackName, string>> = {
  openai: "to OpenAI chat",
  anthropic: "to Anthropic",
  gemini: "to Gemini",
};
const MOST_PATHS = 4;

/** `docs/reference/dialects.md`. */
export function renderDialectsReference(): string {
  return [
    INTRODUCTION,
    ROUTES,
    renderRoutes(),
    SDKS,
    NAMES,
    namesTable(),
    PAIRS,
    pairsTable(),
    "### Thinking",
    "Between words and budgets there is one table. A budget is read as the word whose own is nearest, `high` at most.",
    effortTable(),
    "### Most tokens of an answer, where the caller says none",
    "Anthropic demands a limit. Others are sent none.",
    limitTable(),
    "### Why the model stopped",
    stopTable(),
    FIELDS,
    ...FRONT_NAMES.flatMap((front) => [`### ${FRONT_TITLES[front]}`, fieldsTable(FRONT_FIELDS[front])]),
  ]
    .join("\n\n")
    .concat("\n");
}

function namesTable(): string {
  const rows = DIALECT_PROBES.map(({ what, names }) =>
    [what].concat(FRONT_NAMES.map((front) => (names[front] === undefined ? "–" : `\`${names[front]}\``))),
  );
  return markdownTable([""].concat(Object.values(FRONT_TITLES)), rows);
}

function pairsTable(): string {
  const rows = DIALECT_PROBES.map((probe) =>
    [probe.what].concat(Object.values(VARIANTS).map((variants) => outcomes(probe, variants))),
  );
  return markdownTable([""].concat(Object.values(BACK_TITLES)), rows);
}

/** One text where all variants come to the same. */
function outcomes(probe: DialectProbe, variants: readonly Variant[]): string {
  const each = variants.map((variant) => outcome(probe, variant));
  if (new Set(each).size === 1) return each[0]!;
  return variants.map(({ title }, i) => `${title}: ${each[i]}`).join("; ");
}

function outcome({ asks, beside = {} }: DialectProbe, { back, model }: Variant): string {
  const plain = back.writeRequest({ ...PLAIN, ...beside, model });
  const written = back.writeRequest({ ...PLAIN, ...beside, ...asks, model });
  const fields = addedFields(plain.body, written.body, asks);
  const shown = fields.length > MOST_PATHS ? [...fields.slice(0, MOST_PATHS), "…"] : fields;
  const losses = written.losses.map(({ reason, essential, warning }) => {
    const fate = essential === true ? "refused" : warning === true ? "warned" : "lost";
    return `*${fate}*: ${reason}`;
  });
  const said = [...shown, ...losses];
  return said.length === 0 ? "needs no word" : said.join(", ");
}

function effortTable(): string {
  const efforts: readonly Effort[] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
  return markdownTable(
    ["effort", "budget, tokens"],
    efforts.map((effort) => [effort, budgetOfEffort(effort).toLocaleString("en")]),
  );
}

function limitTable(): string {
  const models = ["claude-3-5-haiku", "claude-3-7-sonnet", "claude-opus-4-1", "claude-sonnet-4-5", "claude-opus-4-8"];
  return markdownTable(
    ["model", "`max_tokens`"],
    [...models, "what is not Claude"].map((model) => [
      model.startsWith("claude") ? `\`${model}\`` : model,
      traitsOf(model).defaultMaxTokens.toLocaleString("en"),
    ]),
  );
}

const STOPS: Readonly<Record<StopReason, string>> = {
  stop: "it had said all",
  stop_sequence: "a stop sequence",
  length: "the limit of the answer",
  tool_calls: "a tool to be called",
  filtered: "the provider cut it for its content",
  refusal: "it would not",
};
const STOP_PATHS: Readonly<Record<FrontName, readonly (readonly (string | number)[])[]>> = {
  openai_chat: [["choices", 0, "finish_reason"]],
  openai_responses: [["status"], ["incomplete_details", "reason"]],
  anthropic: [["stop_reason"]],
  gemini: [["candidates", 0, "finishReason"]],
};

function stopTable(): string {
  const rows = (Object.keys(STOPS) as StopReason[]).map((reason) =>
    [STOPS[reason]].concat(FRONT_NAMES.map((front) => stopOf(front, reason))),
  );
  return markdownTable(["because"].concat(Object.values(FRONT_TITLES)), rows);
}

function stopOf(front: FrontName, stopReason: StopReason): string {
  const parts = [{ kind: "text", text: "" }] as const;
  const answer = { id: "id", model: "model", createdSeconds: 0, parts, stopReason, usage: undefined };
  const written = FRONTS[front].writeAnswer(answer, { model: "model", wantsUsage: false, framing: "sse" });
  const said = STOP_PATHS[front].map((path) => at(written, ...path));
  return said.flatMap((word) => (typeof word === "string" ? [`\`${word}\``] : [])).join(", ");
}

function fieldsTable(fields: readonly FieldRow[]): string {
  return markdownTable(
    ["field", "fate", "how, or why"],
    fields.map(({ field, fate, note }) => [`\`${field}\``, fate, note]),
  );
}
