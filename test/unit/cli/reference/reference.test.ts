import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { renderConfigReference } from "../../../../src/cli/reference/config-page.ts";
import { renderErrorsReference } from "../../../../src/cli/reference/errors-page.ts";
import { outdatedPages } from "../../../../src/cli/reference/main.ts";
import { ERRORS } from "../../../../src/core/errors.ts";
import { loaded } from "../../config/config-text.ts";

test("the generated reference pages are up to date", () => {
  assert.deepEqual(outdatedPages(), [], "run: npm run docs");
});

test("the reference's whole example is a config without faults", () => {
  const page = readFileSync(new URL("../../../../docs/reference/config.md", import.meta.url), "utf8");
  const example = /```yaml\n(.*?)```/s.exec(page)?.[1];
  assert.ok(example !== undefined);
  const keys = ["HEADWAITER_ADMIN_TOKEN", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"];
  const config = loaded(example, Object.fromEntries(keys.map((name) => [name, `value-of-${name}`])));
  assert.equal(config.admin.token, "value-of-HEADWAITER_ADMIN_TOKEN");
  assert.equal(config.upstreams.size, 4);
  assert.equal(config.models.resolve("house")?.model, "llama-3-8b");
});

test("the reference has a row for every key and every error code", () => {
  const config = renderConfigReference();
  for (const path of [
    "server.tls.cert",
    "upstreams.NAME.endpoints[].url",
    "upstreams.NAME.timeouts.total",
    "streams.heartbeat",
    "default_model",
  ]) {
    assert.ok(config.includes(`| \`${path}\` |`), path);
  }
  const errors = renderErrorsReference();
  for (const code of Object.keys(ERRORS)) assert.ok(errors.includes(`| \`${code}\` |`), code);
});
