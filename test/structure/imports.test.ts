import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);

/**
 * The rows of docs/architecture.md: a folder may import from lower rows alone, and from itself. `sim` and `bench` are
 * programs of their own that share the foundations.
 */
const ROWS: readonly (readonly string[])[] = [
  ["core"],
  ["board", "observe", "config"],
  ["dialects", "upstream", "balance", "admission", "limits", "tenants", "jobs", "offload"],
  ["relay"],
  ["server", "admin", "supervisor", "cli"],
  ["main.ts"],
];
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  sim: ["core", "observe", "upstream", "config"],
  bench: ["core", "observe", "upstream", "config", "board"],
  // Each times one operation of the gateway, so it has to call it.
  "bench/micro": ["core", "bench", "sim", "board", "admission", "limits", "dialects", "relay"],
};

/** Importing folder → imported folder → why it is right all the same. */
const EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cli: {
    supervisor:
      "`serve` puts the gateway, its admin listener and the simulated model together: it is where they all meet",
    server: "as above",
    admin: "as above",
    sim: "`headwaiter sim`, and the model of the demo",
    bench: "`headwaiter bench`",
  },
  server: { supervisor: "a loop's thread speaks the supervisor's messages" },
  bench: { sim: "both ends have to agree on what a token looks like and on what the sim's control route answers" },
};

const files = globSync("src/**/*.ts", { cwd: root }).sort();
const sources = new Map(files.map((file) => [file, readFileSync(new URL(file, root), "utf8")]));

/** The file's code without comments and string contents' lookalikes of them. */
function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
}

/** The project's files that `file` imports, those for their types alone included or not. */
function importsOf(file: string, types = true): string[] {
  const code = withoutComments(sources.get(file)!);
  const looked = types ? code : code.replaceAll(/\b(?:import|export) type\b[^;]*;/g, "");
  return specifiersIn(looked).map((specifier) => normalize(join(dirname(file), specifier)));
}

/** `import … from "./a.ts"`, `import "./a.ts"`, `import("./a.ts")`; not `Buffer.from("./a.ts")`. */
function specifiersIn(code: string): string[] {
  return [...code.matchAll(/\b(?:from\s+|import\s*\(?\s*)"(\.[^"]+)"/g)].map(([, specifier]) => specifier!);
}

/** `src/relay/call.ts` → `relay`; `src/bench/micro/board.ts` → `bench/micro`. */
function folderOf(file: string): string {
  const [, folder, inner] = file.split("/");
  return `${folder}/${inner}` in PROGRAMS ? `${folder}/${inner}` : folder!;
}

const rowOf = (folder: string): number => ROWS.findIndex((row) => row.includes(folder));

function allowed(from: string, to: string): boolean {
  if (from === to) return true;
  const program = PROGRAMS[from];
  if (program !== undefined) return program.includes(to);
  return rowOf(to) !== -1 && rowOf(to) < rowOf(from);
}

/** Every import that crosses folders. */
const crossings = files.flatMap((file) =>
  importsOf(file)
    .filter((imported) => folderOf(imported) !== folderOf(file))
    .map((imported) => ({ file, imported, from: folderOf(file), to: folderOf(imported) })),
);

test("every folder of src has its place in the architecture", () => {
  for (const folder of new Set(files.map(folderOf))) {
    assert.ok(rowOf(folder) !== -1 || folder in PROGRAMS, `src/${folder}`);
  }
});

test("every import names a file that is there", () => {
  for (const file of files)
    for (const imported of importsOf(file)) assert.ok(sources.has(imported), `${file}: ${imported}`);
});

test("imports point one way, and folders of one row never import each other", () => {
  const wrong = crossings.filter(({ from, to }) => !allowed(from, to) && EXCEPTIONS[from]?.[to] === undefined);
  assert.deepEqual(
    wrong.map(({ file, imported }) => `${file} imports ${imported}`),
    [],
  );
});

test("no exception outlives its use", () => {
  for (const [from, targets] of Object.entries(EXCEPTIONS)) {
    for (const to of Object.keys(targets)) {
      assert.ok(!allowed(from, to), `${from} → ${to} needs no exception`);
      assert.ok(
        crossings.some((crossing) => crossing.from === from && crossing.to === to),
        `${from} → ${to} is not used`,
      );
    }
  }
});

test("there are no import cycles among the files that are loaded", () => {
  const graph = new Map(files.map((file) => [file, importsOf(file, false)]));
  const state = new Map<string, "open" | "done">();
  const path: string[] = [];
  const visit = (file: string): void => {
    if (state.get(file) === "done") return;
    assert.notEqual(state.get(file), "open", [...path.slice(path.indexOf(file)), file].join(" → "));
    state.set(file, "open");
    path.push(file);
    graph.get(file)?.forEach(visit);
    path.pop();
    state.set(file, "done");
  };
  files.forEach(visit);
});

test("the tests of this file can fail: a cycle, a wrong direction and a comment are told apart", () => {
  assert.equal(allowed("core", "relay"), false);
  assert.equal(allowed("dialects", "upstream"), false);
  assert.equal(allowed("relay", "upstream"), true);
  assert.equal(allowed("sim", "relay"), false);
  assert.equal(allowed("bench/micro", "relay"), true);
  assert.equal(allowed("bench", "relay"), false);
  assert.deepEqual(specifiersIn('import { a } from "./a.ts"; import("./b.ts"); Buffer.from(".c")'), [
    "./a.ts",
    "./b.ts",
  ]);
  assert.equal(withoutComments('// from "./a.ts"\nimport "./b.ts"; /* from "./c.ts" */').trim(), 'import "./b.ts";');
  assert.ok(crossings.length > 50);
});
