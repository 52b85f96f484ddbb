import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { findConfig, loadConfigFile } from "../../../src/config/find.ts";
import { MAX_CONFIG_BYTES } from "../../../src/config/load.ts";
import { LEAST } from "./config-text.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

test("the flag goes before the file in the working directory, that before the demo", async (context) => {
  const cwd = temporaryDirectory(context);
  assert.deepEqual(await findConfig({ flag: undefined, cwd }), { kind: "demo" });
  writeFileSync(join(cwd, "headwaiter.yaml"), LEAST);
  assert.deepEqual(await findConfig({ flag: undefined, cwd }), { kind: "file", file: "headwaiter.yaml" });
  assert.deepEqual(await findConfig({ flag: "other.yaml", cwd }), { kind: "file", file: "other.yaml" });
});

test("a file is read relative to the working directory and shown as it was given", async (context) => {
  const cwd = temporaryDirectory(context);
  writeFileSync(join(cwd, "c.yaml"), LEAST);
  const result = await loadConfigFile({ file: "./c.yaml", cwd, env: {} });
  assert.ok("config" in result);
  assert.equal(result.config.source, "./c.yaml");
});

test("a file that is missing, a directory, too large or not UTF-8 is a fault at its start", async (context) => {
  const cwd = temporaryDirectory(context);
  mkdirSync(join(cwd, "dir"));
  writeFileSync(join(cwd, "large"), Buffer.alloc(MAX_CONFIG_BYTES + 1, "#"));
  writeFileSync(join(cwd, "binary"), Buffer.from([0x61, 0xff, 0xfe]));
  const messages = {
    nope: "there is no such file",
    dir: "is not a file",
    large: "a config is at most 1 MiB",
    binary: "is not UTF-8 text",
  };
  for (const [file, message] of Object.entries(messages)) {
    assert.deepEqual(await loadConfigFile({ file, cwd, env: {} }), { faults: [{ file, line: 1, column: 1, message }] });
  }
});

test("a file of exactly 1 MiB is read", async (context) => {
  const cwd = temporaryDirectory(context);
  writeFileSync(join(cwd, "c.yaml"), LEAST + "#".repeat(MAX_CONFIG_BYTES - LEAST.length));
  assert.ok("config" in (await loadConfigFile({ file: "c.yaml", cwd, env: {} })));
});
