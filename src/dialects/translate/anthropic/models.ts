/**
 * What Anthropic's models take, where it differs: by the version in the model's name, since that is all a gateway knows of
 * one (https://platform.claude.com/docs/en/about-claude/models/overview and …/build-with-claude/thinking).
 *
 * | models | max_tokens where the caller says none | thinking | sampling |
 * | --- | --- | --- | --- |
 * | before 3.5, and what is not Claude | 4,096 | none; not Claude: budget | temperature, top_p, top_k |
 * | 3.5 | 8,192 | none | the same |
 * | 3.7, 4.0 | 32,000 | budget | the same |
 * | 4.1 | 32,000 | budget | temperature or top_p |
 * | 4.5 | 64,000 | budget | the same |
 * | 4.6 | 64,000 | adaptive | the same |
 * | later, and what can't be told | 64,000 | adaptive | none |
 *
 * The figures are the model's own limit or less: before 4.5 a prompt and `max_tokens` that do not fit the context together
 * are refused, so 3.7 and Sonnet 4 leave half of theirs.
 */

/** See the file's comment. */
export interface ModelTraits {
  /** Of output, where the caller says none. */
  readonly defaultMaxTokens: number;
  /** `adaptive`: the model decides, guided by an effort. `budget`: `budget_tokens`. */
  readonly thinking: "none" | "budget" | "adaptive";
  /** `one`: temperature or top_p, not both. */
  readonly sampling: "both" | "one" | "none";
  /** Can be held to a JSON Schema, in its answers and in strict tools. Not before 4.5, but for Opus 4.1. */
  readonly takesSchemas: boolean;
  /** Takes the effort `xhigh`. */
  readonly hasXhigh: boolean;
  /** Thinking can't be turned off. */
  readonly alwaysThinks: boolean;
  /** Takes `tool_choice` `any` and `tool`. */
  readonly takesForcedTools: boolean;
}

/** `claude-opus-4-1-20250805`: the date is no minor version. */
const NAME_FIRST = /claude-([a-z]+)-(\d{1,2})(?:-(\d{1,2}))?(?!\d)/;
/** `claude-3-5-sonnet-20241022`. */
const VERSION_FIRST = /claude-(?:v|instant-)?(\d{1,2})(?:-(\d{1,2}))?(?!\d)(?:-([a-z]+))?/;
const NEWEST = Infinity;

/** @param model as the upstream is asked for it, such as `claude-opus-4-6` or `anthropic/claude-opus-4.6`. */
export function traitsOf(model: string): ModelTraits {
  const name = model.toLowerCase().replaceAll(".", "-");
  if (!name.includes("claude-")) return older({ defaultMaxTokens: 4096, thinking: "budget", takesSchemas: true });
  const { family, version } = versionOf(name);
  if (version < 305) return older({ defaultMaxTokens: 4096 });
  if (version < 307) return older({ defaultMaxTokens: 8192 });
  if (version < 401) return older({ defaultMaxTokens: 32_000, thinking: "budget" });
  if (version < 406) {
    const defaultMaxTokens = version < 405 ? 32_000 : 64_000;
    return older({ defaultMaxTokens, thinking: "budget", sampling: "one", takesSchemas: true });
  }
  const flagship = family === "opus" || family === "sonnet";
  const unbridled = family === "fable" || family === "mythos";
  const known = version !== NEWEST;
  return {
    defaultMaxTokens: 64_000,
    thinking: "adaptive",
    sampling: version < 407 ? "one" : "none",
    takesSchemas: true,
    hasXhigh: version >= 407,
    alwaysThinks: known && (unbridled || (flagship && version >= 505)),
    takesForcedTools: !known || !((unbridled && version >= 501) || (flagship && version >= 505)),
  };
}

function older(traits: Pick<ModelTraits, "defaultMaxTokens"> & Partial<ModelTraits>): ModelTraits {
  return {
    thinking: "none",
    sampling: "both",
    takesSchemas: false,
    hasXhigh: false,
    alwaysThinks: false,
    takesForcedTools: true,
    ...traits,
  };
}

/** @returns 4.6 as 406. */
function versionOf(name: string): { readonly family: string; readonly version: number } {
  const [, family, major, minor] = NAME_FIRST.exec(name) ?? [];
  if (major !== undefined) return { family: family!, version: 100 * Number(major) + Number(minor ?? 0) };
  const [, oldMajor, oldMinor, oldFamily] = VERSION_FIRST.exec(name) ?? [];
  if (oldMajor !== undefined)
    return { family: oldFamily ?? "", version: 100 * Number(oldMajor) + Number(oldMinor ?? 0) };
  return { family: "", version: NEWEST };
}
