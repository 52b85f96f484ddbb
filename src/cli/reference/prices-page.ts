/** The reference page of the prices, made from the table. */
import { PRICE_TABLE } from "../../config/price-table.ts";
import { markdownTable } from "./markdown-table.ts";

const INTRODUCTION = `# Prices

What limits in money count with where the config says nothing: list prices, US dollars per million tokens, as of ${PRICE_TABLE.date}.
Providers change them, and yours may be others: set \`price\` on a model in [\`models\`](config.md#models), which goes before this table.

- A model is looked up by the name that its upstream is asked for. A name with a date or \`-latest\` at its end is the model without it,
  unless it stands here itself.
- A name that only a pattern of \`models\` matches, and that is not here, is counted at the highest prices of those here that the pattern
  matches. A limit in money over a model or pattern that matches nothing here, and has no \`price\`, is a fault of the config.
- *Long*: what the whole request costs once its input has more tokens than that.
- Passing offers are left out. So is everything but text: audio, images made, searches, cache that is written (up to twice the input's
  price), other tiers of service, batches. Who uses these sets a \`price\` that covers them.

Sources: ${PRICE_TABLE.sources.map((source) => `<${source}>`).join(", ")}.`;

/** `docs/reference/prices.md`. */
export function renderPricesReference(): string {
  const rows = PRICE_TABLE.entries.map(({ names, input, output, cachedInput, long }) => [
    names.map((name) => `\`${name}\``).join(", "),
    String(input),
    cachedInput === undefined ? "" : String(cachedInput),
    String(output),
    long === undefined
      ? ""
      : `over ${long.aboveInputTokens}: ${[long.input, long.cachedInput ?? "–", long.output].join(" · ")}`,
  ]);
  return `${INTRODUCTION}\n\n${markdownTable(["model", "input", "cached input", "output", "long: the same three"], rows)}\n`;
}
