/**
 * What a model costs: as the config says, else as the dated table does. A money limit over a model that neither knows is a fault
 * of the config (`money-checks.ts`).
 */
import { matchesPattern } from "./name-pattern.ts";
import { PRICE_TABLE } from "./price-table.ts";
import type { PriceEntry } from "./price-table.ts";
import type { ModelRoute, Price } from "./snapshot.ts";

/** A model's price, and that of its long requests where they cost more. */
interface ListPrice {
  readonly price: Price;
  readonly aboveInputTokens: number;
  readonly longPrice: Price;
}

const LIST = new Map<string, ListPrice>();
for (const entry of PRICE_TABLE.entries) {
  const listed: ListPrice = {
    price: toPrice(entry),
    aboveInputTokens: entry.long?.aboveInputTokens ?? Infinity,
    longPrice: toPrice(entry.long ?? entry),
  };
  for (const name of entry.names) LIST.set(name, listed);
}

function toPrice({ input, output, cachedInput }: Omit<PriceEntry, "names" | "long">): Price {
  return { inputUsdPerMillion: input, outputUsdPerMillion: output, cachedInputUsdPerMillion: cachedInput };
}

/** A provider's snapshot of a model, by date: `-2024-08-06`, `-20240806`, `@20240806`; or its newest: `-latest`. */
const SNAPSHOT = /(?:[-@]20\d{6}|-20\d\d-\d\d-\d\d|-latest)$/;

/** A name that is longer is no model's of the table. */
const LONGEST_NAME = 64;

/** By the provider's name: its own entry, else that of the model whose snapshot it is. */
function find(model: string): ListPrice | undefined {
  if (model.length > LONGEST_NAME) return undefined;
  const name = model.startsWith("models/") ? model.slice("models/".length) : model;
  return LIST.get(name) ?? LIST.get(name.replace(SNAPSHOT, ""));
}

/** The dearest in each respect among the models of the table that `pattern`, with a `*`, stands for. */
function dearestPrice(pattern: string): Price | undefined {
  let dearest: Price | undefined;
  for (const [name, { price }] of LIST) {
    if (!matchesPattern(pattern, name)) continue;
    dearest = {
      inputUsdPerMillion: Math.max(price.inputUsdPerMillion, dearest?.inputUsdPerMillion ?? 0),
      outputUsdPerMillion: Math.max(price.outputUsdPerMillion, dearest?.outputUsdPerMillion ?? 0),
      cachedInputUsdPerMillion: undefined,
    };
  }
  return dearest;
}

/** Whether the table can price `name`, a model's name or a pattern of names. */
export function hasListPrice(name: string): boolean {
  return (name.includes("*") ? dearestPrice(name) : find(name)) !== undefined;
}

const DEAREST = new WeakMap<ModelRoute, Price | undefined>();

/**
 * What a request costs: the route's price, else the table's for the name that the upstream is asked for. A name that only the
 * route's pattern matches and the table does not know costs as much as the dearest model that the pattern is known to match, so that
 * a new model is counted too high rather than not at all. Under a microsecond.
 *
 * @param asked what the client asked for, which `route` matches.
 * @param inputTokens some models cost more, output included, where the input is long.
 * @returns `undefined`: unknown, and no money limit covers it.
 */
export function priceOf(route: ModelRoute, asked: string, inputTokens: number): Price | undefined {
  if (route.price !== undefined) return route.price;
  const listed = find(route.model ?? asked);
  if (listed !== undefined) return inputTokens > listed.aboveInputTokens ? listed.longPrice : listed.price;
  if (route.model !== undefined || !route.name.includes("*")) return undefined;
  if (!DEAREST.has(route)) DEAREST.set(route, dearestPrice(route.name));
  return DEAREST.get(route);
}
