/**
 * What a model costs: as the config says, else as the dated table does. A money limit over a model that neither knows is a fault
 * of the config (`money-checks.ts`).
 */
import { matchesPattern, patternsOverlap } from "./name-pattern.ts";
import { PRICE_TABLE } from "./price-table.ts";
import type { ModelRoute, Price } from "./snapshot.ts";

const EXACT = new Map<string, Price>();
/** The longest first, so that the first that matches says most about the name. */
const PREFIXES: { readonly prefix: string; readonly price: Price }[] = [];
for (const { names, input, output, cachedInput } of PRICE_TABLE.entries) {
  const price: Price = {
    inputUsdPerMillion: input,
    outputUsdPerMillion: output,
    cachedInputUsdPerMillion: cachedInput,
  };
  for (const name of names) {
    if (name.endsWith("*")) PREFIXES.push({ prefix: name.slice(0, -1), price });
    else EXACT.set(name, price);
  }
}
PREFIXES.sort((a, b) => b.prefix.length - a.prefix.length);

/** A provider's snapshot of a model, by date: `-2024-08-06`, `-20240806`, `@20240806`; or its newest: `-latest`. */
const SNAPSHOT = /(?:[-@]20\d{6}|-20\d\d-\d\d-\d\d|-latest)$/;

/** A name that is longer is no model's of the table. */
const LONGEST_NAME = 64;

/**
 * The table's price of a model by its provider's name: its own, else that of the model whose dated snapshot it is, else that of the
 * longest prefix. `undefined`: not in the table. O(prefixes), about a microsecond.
 */
export function listPrice(model: string): Price | undefined {
  if (model.length > LONGEST_NAME) return undefined;
  const name = model.startsWith("models/") ? model.slice("models/".length) : model;
  const exact = EXACT.get(name) ?? EXACT.get(name.replace(SNAPSHOT, ""));
  return exact ?? PREFIXES.find(({ prefix }) => name.startsWith(prefix))?.price;
}

/** The dearest that the table knows among the models that `pattern`, with a `*`, stands for. */
function dearestPrice(pattern: string): Price | undefined {
  let dearest: Price | undefined;
  const consider = (price: Price): void => {
    dearest = {
      inputUsdPerMillion: Math.max(price.inputUsdPerMillion, dearest?.inputUsdPerMillion ?? 0),
      outputUsdPerMillion: Math.max(price.outputUsdPerMillion, dearest?.outputUsdPerMillion ?? 0),
      cachedInputUsdPerMillion: undefined,
    };
  };
  for (const [name, price] of EXACT) if (matchesPattern(pattern, name)) consider(price);
  for (const { prefix, price } of PREFIXES) if (patternsOverlap(pattern, `${prefix}*`)) consider(price);
  return dearest;
}

/** Whether the table can price `name`, a model's name or a pattern of names. */
export function hasListPrice(name: string): boolean {
  return (name.includes("*") ? dearestPrice(name) : listPrice(name)) !== undefined;
}

const DEAREST = new WeakMap<ModelRoute, Price | undefined>();

/**
 * What a request costs: the route's price, else the table's for the name that the upstream is asked for. A name that only the
 * route's pattern matches and the table does not know costs as much as the dearest model that the pattern is known to match, so that
 * a new model is counted too high rather than not at all.
 *
 * @param asked what the client asked for, which `route` matches.
 * @returns `undefined`: unknown, and no money limit covers it.
 */
export function priceOf(route: ModelRoute, asked: string): Price | undefined {
  const known = route.price ?? listPrice(route.model ?? asked);
  if (known !== undefined || route.model !== undefined || !route.name.includes("*")) return known;
  if (!DEAREST.has(route)) DEAREST.set(route, dearestPrice(route.name));
  return DEAREST.get(route);
}
