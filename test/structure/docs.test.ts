/** The documents say what the code does: paths, codes, limits, metrics and fields that they name are there. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ERRORS } from "../../src/core/errors.ts";
import { documents, readText, ROOT, tableRows } from "../support/markdown.ts";

const LIFE = readText("docs/life-of-a-request.md");
const ARCHITECTURE = readText("docs/architecture.md");
const OPERATIONS = readText("docs/operations.md");

test("every error code is in the life of a request, with the status of the table", () => {
  const [tree = "", rest = ""] = LIFE.split("**Codes that belong elsewhere:**");
  for (const [code, { status }] of Object.entries(ERRORS)) {
    const elsewhere = rest.split("\n\n")[0]!.includes(`\`${code}\` (${status})`);
    assert.ok(elsewhere || new RegExp(`\\b${code}\\b`).test(tree), `${code} leaves nowhere`);
  }
  const exits = [...tree.matchAll(/✗ (\d{3}) (\w+)/g)];
  assert.ok(exits.length > 20);
  for (const [exit, status, code] of exits) {
    assert.equal(ERRORS[code as keyof typeof ERRORS]?.status, Number(status), exit);
  }
});

test("the life of a request has the pipeline's phases in the pipeline's order, and every file of the relay", () => {
  const phases = [...readText("src/relay/pipeline.ts").matchAll(/^ \* {5}(\w+) /gm)].map(([, phase]) => phase);
  const drawn = [...LIFE.matchAll(/^ {2}[├└]─ (\w+)/gm)].map(([, phase]) => phase);
  assert.equal(phases.length, 9);
  assert.deepEqual(
    drawn.filter((phase) => phases.includes(phase)),
    phases,
  );
  for (const file of readdirSync(`${ROOT}src/relay`))
    assert.ok(LIFE.includes(file), `src/relay/${file} is not told of`);
});

test("every folder of the source is in the architecture's tree", () => {
  const tree = /^src\/\n(.*?)^```$/ms.exec(ARCHITECTURE)![1]!;
  const drawn: string[] = [];
  const path: string[] = [];
  for (const [, indent, name] of tree.split("\ntest/")[0]!.matchAll(/^((?: {2})+)([\w-]+)\/(?: |$)/gm)) {
    path.length = indent!.length / 2 - 1;
    path.push(name!);
    drawn.push(path.join("/"));
  }
  const folders = readdirSync(`${ROOT}src`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(`${ROOT}src/`.length));
  assert.deepEqual(drawn.toSorted(), folders.toSorted());
});

test("every path that a document names is there", () => {
  const named = /(?<![\w./-])(?:src|test|docs|deploy|examples|dev|\.ci)\/[\w./-]*[\w/]/g;
  for (const document of documents()) {
    for (const [path] of readText(document).matchAll(named)) {
      assert.ok(existsSync(ROOT + path), `${document} names ${path}`);
    }
  }
});

test("every link between documents leads somewhere", () => {
  for (const document of documents()) {
    for (const [, target = "", anchor] of readText(document).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const path = target === "" ? document : join(dirname(document), target);
      assert.ok(existsSync(ROOT + path), `${document} links to ${target}`);
      if (anchor === undefined) continue;
      const headings = [...readText(path).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
      assert.ok(headings.includes(anchor), `${document} links to #${anchor} of ${path}`);
    }
  }
});

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(" ", "-");
}

const UNITS: Readonly<Record<string, number>> = {
  KiB: 1024,
  MiB: 1024 ** 2,
  ms: 1,
  s: 1000,
  min: 60_000,
};

test("the bounds that the architecture names are the constants of the code", () => {
  let compared = 0;
  for (const [, bound = "", constant = "", where = ""] of tableRows(ARCHITECTURE)) {
    const name = /^`(\w+)`$/.exec(constant)?.[1];
    const written = /^([\d,]+)(?: (KiB|MiB|ms|s|min))?(?:$|[ ,;])/.exec(bound);
    if (name === undefined) continue;
    assert.ok(written !== null, `${name}: ${bound}`);
    const source = readText(/`(.*)`/.exec(where)![1]!);
    const product = new RegExp(`\\b${name}(?: =|:) ([\\d_]+(?: \\* [\\d_]+)*)[;,]`).exec(source)?.[1];
    assert.ok(product !== undefined, `${where} has no ${name}`);
    const value = product.split(" * ").reduce((all, factor) => all * Number(factor.replaceAll("_", "")), 1);
    assert.equal(value, Number(written[1]!.replaceAll(",", "")) * (UNITS[written[2] ?? ""] ?? 1), name);
    compared++;
  }
  assert.ok(compared > 25, `${compared} compared`);
});

test("operations has every field of the access line", () => {
  const cells = tableRows(OPERATIONS).map(([first = ""]) => first);
  const record = /interface AccessRecord \{(.*?)^\}/ms.exec(readText("src/observe/log.ts"))![1]!;
  const fields = [...record.matchAll(/readonly (\w+)\??:/g)].map(([, field]) => field!);
  assert.ok(fields.length > 10);
  for (const field of fields)
    assert.ok(
      cells.some((cell) => cell.includes(`\`${field}\``)),
      field,
    );
});
