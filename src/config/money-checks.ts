/** A limit in money can only be held where every model that it covers has a price. */
import { patternsOverlap } from "./name-pattern.ts";
import { hasListPrice } from "./prices.ts";
import { isMap, mapAt, textsOf } from "./written.ts";
import type { Report, WrittenMap } from "./written.ts";

const MONEY = ["usd_per_hour", "usd_per_day", "usd_per_month"] as const;

/** Told by name; after so many it is clear. */
const MOST_NAMES = 3;

/** Checks each money limit of `tree`: tenants', their keys' and models', and upstreams'. */
export function checkMoneyLimits(tree: unknown, report: Report): void {
  const models = Object.entries(mapAt(tree, "models"));
  const unpriced = models.filter(([name, model]) => !hasPrice(name, mapAt(model)));
  if (unpriced.length === 0) return;
  const check = (path: readonly string[], limits: unknown, covers: (name: string, model: unknown) => boolean): void => {
    const names = unpriced.filter(([name, model]) => covers(name, model)).map(([name]) => name);
    for (const limit of MONEY) {
      if (names.length > 0 && mapAt(limits)[limit] !== undefined)
        report([...path, limit], "key", message(limit, names));
    }
  };
  for (const [name, upstream] of Object.entries(mapAt(tree, "upstreams"))) {
    check(["upstreams", name, "limits"], mapAt(upstream)["limits"], (_, model) => mapAt(model)["upstream"] === name);
  }
  for (const [name, tenant] of Object.entries(mapAt(tree, "tenants"))) {
    const { models: written, limits, key_limits: keyLimits } = mapAt(tenant);
    const allowed = written === undefined ? [{ text: "*" }] : textsOf(written);
    const covers = (model: string): boolean => allowed.some(({ text }) => patternsOverlap(text, model));
    check(["tenants", name, "limits"], limits, covers);
    check(["tenants", name, "key_limits"], keyLimits, covers);
    for (const [limited, modelLimits] of Object.entries(mapAt(tenant, "model_limits"))) {
      check(["tenants", name, "model_limits", limited], modelLimits, (model) => model === limited);
    }
  }
}

function hasPrice(name: string, model: WrittenMap): boolean {
  const upstreamName = model["model"];
  return isMap(model["price"]) || hasListPrice(typeof upstreamName === "string" ? upstreamName : name);
}

function message(limit: string, names: readonly string[]): string {
  const shown = names.filter((name) => /^[\w*/@.:-]{1,64}$/.test(name)).slice(0, MOST_NAMES);
  const listed = shown.map((name) => `\`${name}\``).join(", ");
  const more = names.length > shown.length ? ` (and ${names.length - shown.length} more)` : "";
  const which = shown.length === 0 ? `${names.length} of \`models\`` : `${listed}${more}`;
  return `\`${limit}\` covers models without a known price: ${which}; set \`price\` on each in \`models\``;
}
