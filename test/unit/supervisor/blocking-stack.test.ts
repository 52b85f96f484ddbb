import assert from "node:assert/strict";
import { test } from "node:test";
import { array, assert as assertProperty, constantFrom, property } from "fast-check";
import { blockingStack } from "../../../src/supervisor/blocking-stack.ts";
import type { StoppedProfile } from "../../../src/supervisor/blocking-stack.ts";

const PACKAGE_URL = new URL("../../../", import.meta.url).href;
const SAMPLE_MS = 25;

/** A call tree: each function with those that it calls. */
interface Tree {
  [name: string]: Tree;
}

/** A profile of a sample each 25 ms, the last one at the time 1000 ms, whose samples are named by path (`a/b`). */
function profile(tree: Tree, samples: readonly string[], urls: Readonly<Record<string, string>> = {}): StoppedProfile {
  const ids = new Map<string, number>();
  const nodes: { id: number; callFrame: object; children: number[] }[] = [];
  const add = (name: string, path: string, below: Tree): number => {
    const id = nodes.length + 1;
    const children: number[] = [];
    nodes.push({ id, callFrame: { functionName: name, url: urls[name] ?? "node:test", lineNumber: id }, children });
    ids.set(path, id);
    for (const [child, inner] of Object.entries(below)) {
      children.push(add(child, path === "" ? child : `${path}/${child}`, inner));
    }
    return id;
  };
  add("(root)", "", tree);
  const startTime = 5_000_000;
  const json = JSON.stringify({
    nodes,
    startTime,
    endTime: startTime + samples.length * SAMPLE_MS * 1000,
    samples: samples.map((path) => ids.get(path)),
    timeDeltas: samples.map(() => SAMPLE_MS * 1000),
  });
  return { json, askedMs: 1000, stoppedMs: 1000 };
}

function namesOf(stack: ReturnType<typeof blockingStack>): unknown {
  return typeof stack === "object" && stack !== null ? stack.map((frame) => frame.function) : stack;
}

test("gives the heaviest call with its callers, innermost first", () => {
  const tree = { handler: { parse: { scan: {} }, log: {} }, other: {} };
  const samples = ["handler/parse/scan", "handler/parse/scan", "handler/log", "other"];
  assert.deepEqual(namesOf(blockingStack(profile(tree, samples), 0, 1000)), ["scan", "parse", "handler"]);
});

test("finds a function that spreads its time over many calls, against one busy leaf elsewhere", () => {
  const tree = { spread: { a: {}, b: {}, c: {}, d: {} }, leaf: {} };
  const samples = ["spread/a", "spread/b", "spread/c", "spread/d", "leaf", "leaf"];
  assert.deepEqual((namesOf(blockingStack(profile(tree, samples), 0, 1000)) as string[]).at(-1), "spread");
});

test("ends at a function that did more itself than in any call", () => {
  const tree = { loop: { a: {}, b: {} } };
  assert.deepEqual(namesOf(blockingStack(profile(tree, ["loop", "loop", "loop/a", "loop/b"]), 0, 1000)), ["loop"]);
});

test("looks at the block's own time alone", () => {
  const samples = ["before", "before", "before", "during", "during", "after", "after", "after"];
  const all = profile({ before: {}, during: {}, after: {} }, samples);
  assert.deepEqual(namesOf(blockingStack(all, 890, 935)), ["during"]);
  assert.equal(blockingStack(all, 100, 200), null);
});

test("takes in what may belong to the block when it is not certain when the profile ended", () => {
  const late = { ...profile({ block: {}, later: {} }, ["block", "block", "block", "later"]), stoppedMs: 1200 };
  assert.deepEqual(namesOf(blockingStack(late, 900, 980)), ["block"]);
});

test("garbage collection and native code are named where they are most of it, else left out", () => {
  const tree = { work: {}, "(garbage collector)": {}, "(program)": {} };
  const stack = (...samples: string[]): unknown => namesOf(blockingStack(profile(tree, samples), 0, 1000));
  assert.deepEqual(stack("work", "(garbage collector)", "(garbage collector)"), ["(garbage collection)", "work"]);
  assert.deepEqual(stack("(garbage collector)"), ["(garbage collection)"]);
  assert.deepEqual(stack("work", "(garbage collector)"), ["work"]);
  assert.deepEqual(stack("(program)", "(program)", "work"), ["(native code)"]);
  assert.deepEqual(stack("(program)"), ["(native code)"]);
});

test("a loop that mostly waited for events was idle; one that did so before its block was not", () => {
  const tree = { "(idle)": {}, work: {} };
  assert.equal(blockingStack(profile(tree, ["(idle)", "(idle)", "work"]), 0, 1000), "idle");
  assert.deepEqual(namesOf(blockingStack(profile(tree, ["(idle)", "work", "work"]), 0, 1000)), ["work"]);
});

test("files are named from the package, from node, or by the end of their path", () => {
  const urls = {
    ours: `${PACKAGE_URL}src/relay/call.ts`,
    theirs: "file:///srv/app/plugins/slow.js",
    nodes: "node:internal/timers",
    builtin: "",
    evaluated: "[worker eval]",
  };
  const tree = { theirs: { nodes: { evaluated: { ours: { builtin: {} } } } } };
  const stack = blockingStack(profile(tree, ["theirs/nodes/evaluated/ours/builtin"], urls), 0, 1000);
  assert.ok(stack !== "idle" && stack !== null);
  assert.deepEqual(
    stack.map(({ file }) => file),
    ["native", "src/relay/call.ts", "[worker eval]", "node:internal/timers", "plugins/slow.js"],
  );
});

test("a profile too large to read in passing, or without samples, says nothing", () => {
  assert.equal(blockingStack({ json: " ".repeat(5 * 1024 * 1024), askedMs: 1000, stoppedMs: 1000 }, 0, 1000), null);
  assert.equal(blockingStack(profile({ work: {} }, []), 0, 1000), null);
});

test("property: what it names is one chain of calls that was sampled, and short", () => {
  const path = array(constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 30 });
  assertProperty(
    property(array(path, { minLength: 1, maxLength: 40 }), (paths) => {
      const tree: Tree = {};
      for (const path of paths) {
        let below = tree;
        for (const name of path) below = below[name] ??= {};
      }
      const samples = paths.map((path) => path.join("/"));
      const stack = namesOf(blockingStack(profile(tree, samples), 0, 1000)) as string[];
      assert.ok(stack.length > 0 && stack.length <= 20);
      const chain = stack.toReversed().join("/");
      assert.ok(
        samples.some((sample) => (stack.length < 20 ? sample.startsWith(chain) : sample.includes(chain))),
        chain,
      );
    }),
  );
});

test("a regular expression's pattern, which V8 writes as it is, spoils no profile", () => {
  const samples = Array.from({ length: 10 }, () => "f");
  const { json, ...times } = profile({ f: {} }, samples);
  const named = json.replace('"functionName":"f"', String.raw`"functionName":"RegExp: ^\s*\d+\.\w"`);
  assert.notEqual(named, json);
  const stack = blockingStack({ json: named, ...times }, 750, 1000);
  assert.ok(Array.isArray(stack));
  assert.equal(stack[0]?.function, String.raw`RegExp: ^\s*\d+\.\w`);
  const unreadable = json.replace('"functionName":"f"', '"functionName":"RegExp: "quoted""');
  assert.equal(blockingStack({ json: unreadable, ...times }, 750, 1000), null);
});
