/** The decisions are numbered, complete and listed, and each dependency has its reason. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { readText, ROOT } from "../support/markdown.ts";

const DECISIONS = readdirSync(`${ROOT}docs/decisions`)
  .filter((name) => /^\d/.test(name))
  .toSorted();

test("the decisions are numbered without a gap", () => {
  const numbers = DECISIONS.map((name) => Number(/^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1]));
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
});

test("each decision has its status, context, decision and what would change it, and is listed under its title", () => {
  const list = readText("docs/decisions/README.md");
  for (const name of DECISIONS) {
    const text = readText(`docs/decisions/${name}`);
    const title = /^# (.*)$/m.exec(text)?.[1];
    assert.ok(title?.startsWith(`${name.slice(0, 4)}: `), name);
    assert.match(text, /^Status: (?:proposed|accepted|superseded by \d{4})$/m, name);
    for (const heading of ["Context", "Decision", "What would change it"]) {
      assert.ok(text.includes(`\n## ${heading}\n`), `${name} has no ${heading}`);
    }
    assert.ok(list.includes(`- [${title}](${name})`), `${name} is not listed`);
  }
});

test("each dependency is exact and has its reason", () => {
  const manifest = JSON.parse(readText("package.json")) as Record<string, Record<string, string>>;
  const reasons = readText("docs/decisions/0008-dependencies.md");
  const dependencies = Object.entries({ ...manifest["dependencies"], ...manifest["devDependencies"] });
  for (const [name, version] of dependencies) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
    assert.match(reasons, new RegExp(`^\\|[^|]*\`${name}\``, "m"), `${name} has no reason`);
  }
});
