import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";

import { check } from "../../../src/cli/check.ts";
import { LEAST } from "../config/config-text.ts";
import { temporaryDirectory } from "../config/temporary-directory.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(context: TestContext, files: Readonly<Record<string, string>>, config?: string): Promise<Outcome> {
  const cwd = temporaryDirectory(context);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  const written = { stdout: "", stderr: "" };
  const code = await check(config === undefined ? {} : { config }, {
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env: {},
    cwd,
  });
  return { code, ...written };
}

test("a sound config gives one line with counts and exit code 0", async (context) => {
  assert.deepEqual(await run(context, { "headwaiter.yaml": LEAST }), {
    code: 0,
    stdout: "ok: headwaiter.yaml: 1 upstream, 1 endpoint, 1 model\n",
    stderr: "",
  });
});

test("faults go to stderr as file:line:column: message, with exit code 1", async (context) => {
  assert.deepEqual(await run(context, { "c.yaml": `${LEAST}sever: {}\nstreams: { heartbeat: 15 }\n` }, "c.yaml"), {
    code: 1,
    stdout: "",
    stderr:
      "c.yaml:3:1: unknown key `sever`; did you mean `server`?\n" +
      "c.yaml:4:23: streams.heartbeat: write `off` or a duration from 1ms to 1h, such as 15s\n",
  });
});

test("a file that was asked for and is missing is a fault", async (context) => {
  const { code, stderr } = await run(context, { "headwaiter.yaml": LEAST }, "nope.yaml");
  assert.equal(code, 1);
  assert.equal(stderr, "nope.yaml:1:1: there is no such file\n");
});

test("without a config it says that the demo would run, with exit code 0", async (context) => {
  const { code, stdout } = await run(context, {});
  assert.equal(code, 0);
  assert.match(stdout, /demo/);
});
