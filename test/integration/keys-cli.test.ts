/** The real commands, beside a gateway's own parts that follow the store: what one does the other sees. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { GatewayError } from "../../src/core/errors.ts";
import { KeyDirectory } from "../../src/tenants/directory.ts";
import { KeyWatcher } from "../../src/tenants/key-watcher.ts";
import { waitUntil } from "../support/wait-until.ts";
import { loaded } from "../unit/config/config-text.ts";
import { temporaryDirectory } from "../unit/config/temporary-directory.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const CONFIG = `
upstreams: { u: { endpoints: [ { url: http://127.0.0.1:1/v1 } ] } }
models: { m: { upstream: u } }
tenants: { acme: }
store: { path: kept/here }
`;

type Headwaiter = (...args: string[]) => Promise<{ readonly stdout: string; readonly stderr: string }>;

interface Following {
  readonly headwaiter: Headwaiter;
  /** Tenant and key id, or the error's code. */
  readonly who: (credential: string) => string;
  readonly faults: readonly string[];
}

/** A directory with a config, and the watcher and the directory of keys as a gateway has them. */
function follow(context: TestContext): Following {
  const cwd = temporaryDirectory(context);
  writeFileSync(join(cwd, "headwaiter.yaml"), CONFIG);
  const config = loaded(CONFIG, {}, cwd);
  const faults: string[] = [];
  const watcher = new KeyWatcher({
    directory: config.store.path,
    onChange: (changes) => directory.apply(structuredClone(changes)),
    onFault: (message) => faults.push(message),
  });
  context.after(() => watcher.close());
  const directory = new KeyDirectory(config, watcher.records(Date.now()));
  const run = promisify(execFile);
  return {
    headwaiter: (...args) => run(process.execPath, [MAIN, ...args], { cwd }),
    who(credential) {
      const found = directory.identify(credential, Date.now());
      return found instanceof GatewayError ? found.code : `${found.tenant.name} ${found.keyId}`;
    },
    faults,
  };
}

test("a key that the command makes is taken by a running gateway, and no more once it is revoked", async (context) => {
  const { headwaiter, who, faults } = follow(context);
  const { stdout } = await headwaiter("keys", "create", "--tenant", "acme", "--json");
  const { id, key } = JSON.parse(stdout) as { id: string; key: string };
  await waitUntil(() => who(key) === `acme ${id}`);
  assert.equal(who(`${key.slice(0, -1)}${key.endsWith("a") ? "b" : "a"}`), "key_invalid");
  const list = await headwaiter("keys", "list");
  assert.match(list.stdout, new RegExp(`^${id} +acme +active`, "m"));
  await headwaiter("keys", "revoke", id);
  await waitUntil(() => who(key) === "key_invalid");
  assert.deepEqual(faults, []);
});

test("keys made by many commands at once are all taken", async (context) => {
  const { headwaiter, who, faults } = follow(context);
  const created = await Promise.all(Array.from({ length: 4 }, () => headwaiter("keys", "create", "--tenant", "acme")));
  const made = created.map(({ stdout }) => stdout.trimEnd());
  assert.equal(new Set(made).size, 4);
  await waitUntil(() => made.every((key) => who(key).startsWith("acme ")));
  assert.deepEqual(faults, []);
});

test("a command line that can't be understood gives exit code 2, a fault 1, with nothing on stdout", async (context) => {
  const { headwaiter } = follow(context);
  const cases: [number, string[]][] = [
    [2, ["keys", "revoke"]],
    [1, ["keys", "create", "--tenant", "acm"]],
  ];
  for (const [code, args] of cases) {
    await assert.rejects(headwaiter(...args), (error: { code: number; stdout: string }) => {
      assert.deepEqual([error.code, error.stdout], [code, ""], args.join(" "));
      return true;
    });
  }
});
