/** The reference page of the config, made from the schema. */
import { readFileSync } from "node:fs";

import { CONFIG } from "../../config/schema.ts";
import type { ConfigNode, Key } from "../../config/setting.ts";
import { markdownTable } from "./markdown-table.ts";

const INTRODUCTION = `# Configuration

The gateway reads the file that \`--config\` names, else \`headwaiter.yaml\` in the working directory; without either it runs the
demo. \`headwaiter check\` tells every fault of a config as \`file:line:column: message\`. SIGHUP reads the file again; a config with
faults is refused and the old one stays.

A config is one YAML document in UTF-8 of at most 1 MiB. A key that is not in the tables below is a fault.

- A *duration* is a number with \`ms\`, \`s\`, \`m\` or \`h\`: \`250ms\`, \`5s\`, \`10m\`, \`1h\`.
- A *size* is a number with \`B\`, \`KiB\`, \`MiB\` or \`GiB\` (powers of 1024): \`512B\`, \`64KiB\`, \`20MiB\`.
- A *secret* is 1 to 4096 visible ASCII characters; it is sent in a header.
- \`\${NAME}\` in a value, alone or within a text, is the environment variable of that name. One that is not set, or empty, is a fault.
  \`$\${\` gives a plain \`\${\`. Variables are filled in after the YAML has been parsed, so no value can change its structure.
- YAML anchors and aliases work, up to 100 aliases; merge keys (\`<<\`) and tags do not.`;

/** `docs/reference/config.md`. */
export function renderConfigReference(): string {
  const example = readFileSync(new URL("example.yaml", import.meta.url), "utf8");
  const sections = Object.entries(rootKeys()).map(([name, known]) => renderSection(name, known));
  return [INTRODUCTION, "## Example", `\`\`\`yaml\n${example}\`\`\``, ...sections].join("\n\n") + "\n";
}

function rootKeys(): Readonly<Record<string, Key<string, unknown>>> {
  return CONFIG.shape.kind === "section" ? CONFIG.shape.keys : {};
}

function renderSection(name: string, known: Key<string, unknown>): string {
  const rows = known.node.shape.kind === "value" ? [row(name, known)] : rowsBelow(name, known.node);
  const { shape } = known.node;
  const range = shape.kind === "record" ? ` ${shape.range}.` : "";
  // A value's meaning stands in its own row.
  const meaning = shape.kind === "value" ? [] : [known.meaning + range];
  const table = markdownTable(["key", "type", "default", "range", "meaning"], rows);
  return [`## \`${name}\``, ...meaning, table].join("\n\n");
}

function rowsBelow(path: string, { shape }: ConfigNode<unknown>): string[][] {
  if (shape.kind === "value") return [];
  if (shape.kind === "list") return rowsBelow(`${path}[]`, shape.item);
  if (shape.kind === "record") return rowsBelow(`${path}.${shape.nameLabel}`, shape.item);
  return Object.entries(shape.keys).flatMap(([name, known]) => {
    const below = `${path}.${name}`;
    return [row(below, known)].concat(rowsBelow(below, known.node));
  });
}

function row(path: string, { node, meaning }: Key<string, unknown>): string[] {
  const { shape, required } = node;
  const type = { value: shape.kind === "value" ? shape.type : "", section: "map", list: "list", record: "map" }[
    shape.kind
  ];
  const fallback = shape.kind === "value" && shape.default !== undefined ? `\`${shape.default}\`` : "optional";
  const instead = shape.kind === "section" ? shape.instead : undefined;
  const range = shape.kind === "section" ? (instead?.range ?? "") : shape.range;
  const either = instead === undefined ? type : `${instead.type} or ${type}`;
  return [`\`${path}\``, either, required ? "required" : fallback, range, meaning];
}
