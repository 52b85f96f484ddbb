import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";

import { keys } from "../../../src/cli/keys.ts";
import type { KeysArguments } from "../../../src/cli/keys.ts";
import { keyIdOf } from "../../../src/tenants/key.ts";
import { LEAST } from "../config/config-text.ts";
import { temporaryDirectory } from "../config/temporary-directory.ts";

const DIGEST = "ab".repeat(32);
const CONFIG = `
upstreams: { u: { endpoints: [ { url: http://127.0.0.1:1/v1 } ] } }
models: { m: { upstream: u }, "claude-*": { upstream: u } }
tenants:
  acme: { models: [ "claude-3-*", m ] }
  other: { keys: [ "sha256:${DIGEST}" ] }
`;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Run = (args: KeysArguments, nowMs?: number) => Promise<Outcome>;

/** Commands in a directory with this config. */
function inDirectory(context: TestContext, config: string | null = CONFIG): Run & { readonly cwd: string } {
  const cwd = temporaryDirectory(context);
  if (config !== null) writeFileSync(join(cwd, "headwaiter.yaml"), config);
  const run: Run = async (args, nowMs = 0) => {
    const written = { stdout: "", stderr: "" };
    const code = await keys(args, {
      stdout: { write: (text) => (written.stdout += text) },
      stderr: { write: (text) => (written.stderr += text) },
      env: {},
      cwd,
      now: () => nowMs,
    });
    return { code, ...written };
  };
  return Object.assign(run, { cwd });
}

test("the key alone goes to stdout, what is to be known of it to stderr", async (context) => {
  const run = inDirectory(context);
  const { code, stdout, stderr } = await run({
    action: "create",
    tenant: "acme",
    models: "m, claude-3-x",
    expires: "2d",
  });
  assert.equal(code, 0);
  const id = keyIdOf(stdout.trimEnd());
  assert.ok(id !== undefined && stdout.endsWith("\n"));
  assert.equal(
    stderr,
    `Key ${id} of tenant acme, for m, claude-3-x, until 1970-01-03T00:00:00.000Z. It is shown this once:\n`,
  );
  assert.ok(existsSync(join(run.cwd, "headwaiter-data", "headwaiter.db")));
});

test("as JSON a key is shown with all that is listed of it, and no list shows it again", async (context) => {
  const run = inDirectory(context);
  const created = await run({ action: "create", tenant: "acme", json: true });
  const { key, ...rest } = JSON.parse(created.stdout) as { key: string; id: string };
  assert.deepEqual(rest, {
    id: keyIdOf(key),
    tenant: "acme",
    state: "active",
    models: null,
    created_at: "1970-01-01T00:00:00.000Z",
    expires_at: null,
    revoked_at: null,
  });
  const { stdout } = await run({ action: "list", tenant: "acme", json: true });
  assert.deepEqual(JSON.parse(stdout), [rest]);
  assert.ok(!stdout.includes(key.slice(12)));
});

test("the list has keys of the store and of the config, each with what has become of it", async (context) => {
  const run = inDirectory(context);
  const id = async (expires?: string): Promise<string> =>
    keyIdOf((await run({ action: "create", tenant: "acme", expires })).stdout.trimEnd())!;
  const [active, expired, revoked] = [await id(), await id("90m"), await id()];
  await run({ action: "revoke", id: revoked });
  const { stdout } = await run({ action: "list", json: true }, 2 * 3_600_000);
  const states = new Map((JSON.parse(stdout) as { id: string; state: string }[]).map((key) => [key.id, key.state]));
  assert.deepEqual(
    states,
    new Map([
      ...[active, expired, revoked].sort().map((key): [string, string] => [key, states.get(key)!]),
      ["sha256-abababababab", "config"],
    ]),
  );
  assert.deepEqual(
    [active, expired, revoked].map((key) => states.get(key)),
    ["active", "expired", "revoked"],
  );
  const table = await run({ action: "list", tenant: "other" });
  assert.equal(
    table.stdout,
    "ID                   TENANT  STATE   CREATED  EXPIRES  MODELS\nsha256-abababababab  other   config\n",
  );
});

test("a key is revoked by its id or by the key itself, and once", async (context) => {
  const run = inDirectory(context);
  const key = (await run({ action: "create", tenant: "acme" })).stdout.trimEnd();
  const first = await run({ action: "revoke", id: key }, 1000);
  assert.deepEqual(first, { code: 0, stdout: "", stderr: `Key ${keyIdOf(key)} of tenant acme is revoked.\n` });
  const second = await run({ action: "revoke", id: keyIdOf(key)!, json: true }, 2000);
  assert.equal((JSON.parse(second.stdout) as { revoked_at: string }).revoked_at, "1970-01-01T00:00:01.000Z");
});

test("what can't be done is said on stderr with exit code 1, and makes no key", async (context) => {
  const run = inDirectory(context);
  const create = { action: "create", tenant: "acme" } as const;
  const refused: [KeysArguments, RegExp][] = [
    [{ ...create, tenant: "acmee" }, /^there is no tenant "acmee" in headwaiter\.yaml; did you mean `acme`\?\n$/],
    [{ ...create, tenant: "anonymous" }, /no tenant/],
    [{ ...create, models: "clude-3" }, /"clude-3" is none of the config's models; did you mean `claude-\*`\?/],
    [{ ...create, models: "" }, /none of the config's models/],
    [{ ...create, models: "claude-4" }, /tenant acme may not use claude-4 itself/],
    ...["30", "0d", "-1d", "36501d", "soon", ""].map((expires): [KeysArguments, RegExp] => [
      { ...create, expires },
      /^--expires takes/,
    ]),
    [{ action: "revoke", id: "nobody00" }, /there is no key of this id/],
    [{ action: "revoke", id: "sha256-abababababab" }, /take it out of `tenants\.other\.keys`/],
    [{ action: "list", config: "nope.yaml" }, /^nope\.yaml:1:1: there is no such file\n$/],
  ];
  for (const [args, message] of refused) {
    const { code, stdout, stderr } = await run(args);
    assert.deepEqual([code, stdout], [1, ""], JSON.stringify(args));
    assert.match(stderr, message);
  }
  assert.ok(!existsSync(join(run.cwd, "headwaiter-data")));
});

test("without a config there are no tenants, and a config with faults has them told", async (context) => {
  const none = await inDirectory(context, null)({ action: "list" });
  assert.match(none.stderr, /no headwaiter\.yaml here/);
  const faulty = await inDirectory(context, `${LEAST}x: 1\n`)({ action: "list" });
  assert.deepEqual([none.code, faulty.code, faulty.stderr], [1, 1, "headwaiter.yaml:3:1: unknown key `x`\n"]);
});

test("it is said when keys are made that nobody is asked for", async (context) => {
  const { code, stderr } = await inDirectory(
    context,
    `${CONFIG}auth: { required: false }\n`,
  )({ action: "create", tenant: "acme" });
  assert.equal(code, 0);
  assert.match(stderr, /Nobody is asked for a key/);
});
