/**
 * Writes the generated pages of `docs/reference/`; with `--check` only says which of them are out of date.
 *
 *     node src/cli/reference/main.ts [--check]
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { renderConfigReference } from "./config-page.ts";
import { renderDialectsReference } from "./dialects-page.ts";
import { renderErrorsReference } from "./errors-page.ts";
import { renderMetricsReference } from "./metrics-page.ts";
import { renderPricesReference } from "./prices-page.ts";

/** A generated page. */
interface ReferencePage {
  /** Below `docs/reference/`. */
  readonly file: string;
  readonly render: () => string;
}

const REFERENCE_PAGES: readonly ReferencePage[] = [
  { file: "config.md", render: renderConfigReference },
  { file: "dialects.md", render: renderDialectsReference },
  { file: "errors.md", render: renderErrorsReference },
  { file: "metrics.md", render: renderMetricsReference },
  { file: "prices.md", render: renderPricesReference },
];

const directory = new URL("../../../docs/reference/", import.meta.url);

/** The pages that are not what they would be if they were written now. */
export function outdatedPages(): string[] {
  const outdated = REFERENCE_PAGES.filter(({ file, render }) => readPage(file) !== render());
  return outdated.map(({ file }) => file);
}

function readPage(file: string): string | undefined {
  try {
    return readFileSync(new URL(file, directory), "utf8");
  } catch {
    return undefined;
  }
}

function main(): void {
  const outdated = outdatedPages();
  if (!process.argv.includes("--check")) {
    for (const { file, render } of REFERENCE_PAGES) writeFileSync(new URL(file, directory), render());
    console.log(
      `${fileURLToPath(directory)}: ${outdated.length === 0 ? "nothing new" : `wrote ${outdated.join(", ")}`}`,
    );
  } else if (outdated.length > 0) {
    console.error(`docs/reference is out of date (${outdated.join(", ")}); run: npm run docs`);
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
