import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import type { ConfigSnapshot } from "../../../src/config/snapshot.ts";
import { GatewayError } from "../../../src/core/errors.ts";
import { configKeyId, KeyDirectory } from "../../../src/tenants/directory.ts";
import type { Identity } from "../../../src/tenants/identity.ts";
import { keyDigest } from "../../../src/tenants/key.ts";
import type { KeyRecord } from "../../../src/tenants/key-record.ts";
import { LEAST, loaded } from "../config/config-text.ts";

const NOW_MS = 1_000_000;

function config(tenants: string): ConfigSnapshot {
  return loaded(`${LEAST.replace("models: {", 'models: { "claude-*": { upstream: u },')}tenants: ${tenants}\n`);
}

const record = (key: string, more: Partial<KeyRecord> = {}): KeyRecord => ({
  id: `id-${key}`,
  digest: keyDigest(key),
  tenant: "a",
  models: undefined,
  expiresAtMs: undefined,
  ...more,
});

/** Tenant and key id, or the error's code. */
function who(directory: KeyDirectory, credential: string | undefined, nowMs = NOW_MS): string {
  const found = directory.identify(credential, nowMs);
  return found instanceof GatewayError ? found.code : `${found.tenant.name} ${found.keyId}`;
}

function identityOf(directory: KeyDirectory, credential: string): Identity {
  const found = directory.identify(credential, NOW_MS);
  assert.ok(!(found instanceof GatewayError));
  return found;
}

test("a key of the config and one of the store lead to their tenants; any other, and none, are refused", () => {
  const digest = keyDigest("of-config");
  const directory = new KeyDirectory(config(`{ a: { keys: [ "sha256:${digest}" ] }, b: }`), [
    record("of-store", { tenant: "b" }),
  ]);
  assert.equal(who(directory, "of-config"), `a ${configKeyId(digest)}`);
  assert.equal(who(directory, "of-store"), "b id-of-store");
  assert.equal(who(directory, undefined), "key_missing");
  for (const wrong of ["", "of-stor", digest, `sha256:${digest}`, "x".repeat(1_000_000)]) {
    assert.equal(who(directory, wrong), "key_invalid");
  }
});

test("where no key is asked for everybody is anonymous, whatever they send", () => {
  const demo = new KeyDirectory(loaded(LEAST), [record("k")]);
  const open = new KeyDirectory(loaded(`${LEAST}tenants: { a: }\nauth: { required: false }\n`), [record("k")]);
  for (const directory of [demo, open]) {
    for (const credential of [undefined, "k", "sk-anything"])
      assert.equal(who(directory, credential), "anonymous undefined");
  }
});

test("a key holds to the millisecond before it expires", () => {
  const directory = new KeyDirectory(config("{ a: }"), [record("k", { expiresAtMs: NOW_MS })]);
  assert.equal(who(directory, "k", NOW_MS - 1), "a id-k");
  assert.equal(who(directory, "k", NOW_MS), "key_invalid");
});

test("a key whose tenant the config does not have is refused until it does", () => {
  const directory = new KeyDirectory(config("{ b: }"), [record("k")]);
  assert.equal(who(directory, "k"), "key_invalid");
  directory.reload(config("{ a: }"));
  assert.equal(who(directory, "k"), "a id-k");
  directory.reload(config("{ b: }"));
  assert.equal(who(directory, "k"), "key_invalid");
});

test("a reload brings the tenant's new settings to keys that were in use, and takes away keys of the config", () => {
  const digest = keyDigest("c");
  const directory = new KeyDirectory(config(`{ a: { keys: [ "sha256:${digest}" ] } }`), [record("k")]);
  assert.equal(identityOf(directory, "k").tenant.weight, 1);
  directory.reload(config("{ a: { weight: 7 } }"));
  assert.equal(identityOf(directory, "k").tenant.weight, 7);
  assert.equal(who(directory, "c"), "key_invalid");
});

test("a key may use what both it and its tenant may", () => {
  const directory = new KeyDirectory(config('{ a: { models: [ m, "claude-*" ] }, b: }'), [
    record("all"),
    record("some", { models: ["claude-3*", "m2"] }),
    record("free", { tenant: "b" }),
  ]);
  const allowed = (key: string): string[] =>
    ["m", "m2", "claude-3-x", "claude-4"].filter((model) => identityOf(directory, key).allows(model));
  assert.deepEqual(allowed("all"), ["m", "claude-3-x", "claude-4"]);
  assert.deepEqual(allowed("some"), ["claude-3-x"]);
  assert.deepEqual(allowed("free"), ["m", "m2", "claude-3-x", "claude-4"]);
  assert.equal(identityOf(directory, "some").refusalOf("m")?.code, "model_not_allowed");
  assert.equal(identityOf(directory, "some").refusalOf("claude-3-x"), null);
});

test("one key is one identity, so that a request makes nothing that lasts", () => {
  const directory = new KeyDirectory(config("{ a: }"), [record("k")]);
  assert.equal(identityOf(directory, "k"), identityOf(directory, "k"));
});

test("keys that have expired are forgotten before they are many", () => {
  const directory = new KeyDirectory(config("{ a: }"));
  for (let i = 0; i < 20_000; i++) {
    directory.apply({ reset: false, added: [record(`k${i}`, { expiresAtMs: i + 10 })], revoked: [] }, i);
    assert.ok(directory.stored <= 1024);
  }
});

/** What a directory must do, the slow way. */
class Model {
  records: KeyRecord[] = [];
  tenants: readonly string[] = ["a", "b"];

  who(key: string, nowMs: number): string {
    const found = this.records.findLast(({ digest }) => digest === keyDigest(key));
    const usable =
      found !== undefined && this.tenants.includes(found.tenant) && (found.expiresAtMs ?? Infinity) > nowMs;
    return usable ? `${found.tenant} ${found.id}` : "key_invalid";
  }
}

const KEYS = ["k0", "k1", "k2", "k3"];
const step = fc.oneof(
  fc.record({
    kind: fc.constant("add" as const),
    key: fc.constantFrom(...KEYS),
    tenant: fc.constantFrom("a", "b", "c"),
    expiresAtMs: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
    reset: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("revoke" as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ kind: fc.constant("reload" as const), tenants: fc.subarray(["a", "b", "c"], { minLength: 1 }) }),
);

test("after any sequence of changes each key leads where the last one says", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const model = new Model();
      const directory = new KeyDirectory(config("{ a: , b: }"));
      steps.forEach((step, nowMs) => {
        if (step.kind === "reload") {
          model.tenants = step.tenants;
          directory.reload(config(`{ ${step.tenants.map((name) => `${name}: `).join(", ")} }`));
        } else if (step.kind === "revoke") {
          model.records = model.records.filter(({ digest }) => digest !== keyDigest(step.key));
          directory.apply({ reset: false, added: [], revoked: [keyDigest(step.key)] }, nowMs);
        } else {
          const added = record(step.key, { tenant: step.tenant, expiresAtMs: step.expiresAtMs });
          model.records = [...(step.reset ? [] : model.records), added];
          directory.apply({ reset: step.reset, added: [added], revoked: [] }, nowMs);
        }
        for (const key of KEYS) assert.equal(who(directory, key, nowMs), model.who(key, nowMs));
      });
    }),
    { numRuns: 60 },
  );
});
