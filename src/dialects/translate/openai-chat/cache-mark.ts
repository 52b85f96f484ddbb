/** Marks of what should be cached, as OpenAI and as its imitators (OpenRouter, LiteLLM, DashScope) write them. */
import type { CacheMark } from "../common.ts";
import type { Fields } from "../json-pick.ts";
import type { Losses } from "../losses.ts";

/** Spread into a part: its mark, if it has one. */
export interface Marked {
  readonly cache?: CacheMark;
}

/** The mark of a content part, message or tool. */
export function readCacheMark(fields: Fields, losses: Losses): Marked {
  const control = fields.object("cache_control");
  if (control !== undefined) {
    control.value("type");
    const ttl = control.string("ttl");
    losses.unread(control);
    if (ttl === undefined || ttl === "5m" || ttl === "1h") return { cache: { ttl } };
    losses.lose(control.pathOf("ttl"), "must be 5m or 1h");
    return { cache: { ttl: undefined } };
  }
  const breakpoint = fields.object("prompt_cache_breakpoint");
  if (breakpoint === undefined) return {};
  breakpoint.value("mode");
  const ttl = breakpoint.string("ttl");
  losses.unread(breakpoint);
  // OpenAI's own where nothing is said.
  if (ttl !== undefined && ttl !== "30m") losses.lose(breakpoint.pathOf("ttl"), "only OpenAI caches for so long");
  return { cache: { ttl: undefined } };
}
