/** The project's documents, for the tests that hold them to the code. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The repository's root, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A fenced block. */
export interface CodeBlock {
  /** What stands behind the fence, e.g. `yaml`. */
  readonly language: string;
  readonly text: string;
}

/** @param path below the root. */
export function readText(path: string): string {
  return readFileSync(ROOT + path, "utf8");
}

/** Every Markdown file that people write or read here, below the root. */
export function documents(): string[] {
  const found = readdirSync(ROOT).filter((name) => name.endsWith(".md"));
  for (const directory of ["docs", "examples"]) {
    for (const path of readdirSync(ROOT + directory, { recursive: true, encoding: "utf8" })) {
      if (path.endsWith(".md")) found.push(`${directory}/${path}`);
    }
  }
  return found;
}

/** The fenced blocks of a document, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks = markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms);
  return [...blocks].map(([, language = "", text = ""]) => ({ language, text }));
}

/** The cells of every table row of a document, header rows included, rules excluded. */
export function tableRows(markdown: string): string[][] {
  const rows = markdown.split("\n").filter((line) => line.startsWith("|") && !/^\|[\s:|-]+\|$/.test(line));
  return rows.map((row) =>
    row
      .slice(1, row.lastIndexOf("|"))
      .split("|")
      .map((cell) => cell.trim()),
  );
}
