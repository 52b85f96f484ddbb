import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in an empty directory. @param limits shell commands that come first. */
async function run(context: TestContext, args: readonly string[], limits = ":", config?: string): Promise<Ended> {
  const cwd = await mkdtemp(join(tmpdir(), "doctor-"));
  context.after(() => rm(cwd, { recursive: true }));
  if (config !== undefined) await writeFile(join(cwd, "given.yaml"), config);
  const shell = ["-c", `${limits}; exec "$@"`, "sh", process.execPath, MAIN, "doctor", ...args];
  return new Promise((resolve) => {
    execFile("/bin/sh", shell, { cwd }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test("tells the limit that the process really has, and passes or fails by it", async (context) => {
  // The soft limit is what a shell has, the hard one what Node raises it to.
  const limits = "ulimit -S -n 500 && ulimit -H -n 3000";
  const [few, many] = await Promise.all([
    run(context, ["--streams", "100", "--json"], limits),
    run(context, ["--streams", "10000"], limits),
  ]);
  const { facts, ok, streams } = JSON.parse(few.stdout) as {
    readonly ok: boolean;
    readonly streams: readonly number[];
    readonly facts: { readonly openFiles: { readonly soft: number; readonly hard: number } };
  };
  assert.deepEqual([few.code, ok, streams], [0, true, [100]]);
  assert.deepEqual([facts.openFiles.soft, facts.openFiles.hard], [3000, 3000]);
  assert.equal(many.code, 1);
  assert.match(
    many.stdout,
    /^fail {5}open files +3,000, \d+ open\n +→ 10,000 streams: 20,\d{3} files: LimitNOFILE=65536 /m,
  );
  assert.match(many.stdout, /^\d failed, \d to look at\./m);
});

test("looks at the config that it is given", async (context) => {
  const config =
    "server: { workers: 1 }\nupstreams: { u: { endpoints: [ { url: http://127.0.0.1:1/v1 } ], http2: on } }\n" +
    "models: { m: { upstream: u } }\n";
  const { code, stdout } = await run(context, ["--config", "given.yaml", "--streams", "100"], ":", config);
  assert.equal(code, 0);
  assert.match(stdout, /^Counted with given\.yaml: HTTP\/2 to upstreams, one socket for each stream/m);
  assert.match(stdout, /^ok +connections\.max +up to 100,000 streams/m);
});

test("a wrong command line is 2, with the usage", async (context) => {
  const wrong = [["--streams", "0"], ["--streams", "1.5"], ["--streams", "many"], ["--nonsense"], ["thing"]];
  const ended = await Promise.all(wrong.map((args) => run(context, args)));
  for (const { code, stderr, stdout } of ended) {
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /headwaiter doctor \[--config FILE\] \[--streams N\] \[--json\]/);
  }
});
