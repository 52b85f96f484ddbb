import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const MAX_LINES = 400;

const read = (file: string): string => readFileSync(new URL(file, root), "utf8");
const sources = globSync("src/**/*.ts", { cwd: root }).sort();
const tests = globSync("test/**/*.ts", { cwd: root }).sort();

/** Lines of code that hold `pattern`, comments left out. */
function linesWith(file: string, pattern: RegExp): string[] {
  const code = read(file).replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, (comment) =>
    comment.replaceAll(/[^\n]/g, ""),
  );
  return code.split("\n").flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : []));
}

test(`no source file has ${MAX_LINES} lines or more`, () => {
  assert.deepEqual(
    sources.filter((file) => read(file).split("\n").length > MAX_LINES),
    [],
  );
});

test("only src/main.ts ends the process; a script of its own, each a main.ts, may say how it went", () => {
  const found = sources
    // In a worker thread it ends that thread.
    .filter((file) => file !== "src/main.ts" && file !== "src/server/loop-thread.ts")
    .flatMap((file) =>
      linesWith(
        file,
        file.endsWith("/main.ts") ? /process\.(?:exit|abort)\(/ : /process\.(?:exit|abort)\(|process\.exitCode/,
      ),
    );
  assert.deepEqual(found, []);
});

test("only commands write to the terminal; everything else has the log", () => {
  const commands = /^src\/(?:main\.ts|cli\/|bench\/(?:compare|micro)\/)/;
  const found = sources
    .filter((file) => !commands.test(file))
    .flatMap((file) => linesWith(file, /\bconsole\.|process\.std(?:out|err)\.write/));
  assert.deepEqual(found, []);
});

test("nothing is left to do: no TODO, no focused or skipped test without a reason", () => {
  const found = [
    ...[...sources, ...tests].flatMap((file) => linesWith(file, /\b(?:TODO|FIXME|XXX|HACK)\b(?!\\|\|)/)),
    ...tests.flatMap((file) => linesWith(file, /\btest\.only\(|\bonly: true\b|\bskip: true\b/)),
  ].filter((line) => !line.startsWith("test/structure/"));
  assert.deepEqual(found, []);
});

test("source files have no default export, no barrel, no erasable syntax left out", () => {
  const found = sources.flatMap((file) => [
    ...linesWith(file, /^export default\b/),
    ...linesWith(file, /^export \* from\b/),
    ...linesWith(file, /^\s*private\s+\w/),
  ]);
  assert.deepEqual(found, []);
});

test("every source file says what it is for, in a comment at its beginning or on its first export", () => {
  const silent = sources.filter(
    (file) => !/^(?:#!.*\n)?\/\*\*|\n\/\*\*[\s\S]*?\*\/\n(?:export|await|const)/.test(read(file)),
  );
  assert.deepEqual(silent, []);
});
