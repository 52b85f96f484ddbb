import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { createKey, keyDigest, keyIdOf } from "../../../src/tenants/key.ts";

test("a key is hw_, an id of 8 and a secret of 32 letters and digits, and names its id", () => {
  const { id, key } = createKey();
  assert.match(key, /^hw_[0-9A-Za-z]{8}_[0-9A-Za-z]{32}$/);
  assert.equal(key.slice(3, 11), id);
  assert.equal(keyIdOf(key), id);
  assert.ok(32 * Math.log2(62) >= 190);
});

test("what is kept of a key is what `printf %s KEY | sha256sum` prints", () => {
  const { key, digest } = createKey();
  assert.equal(digest, createHash("sha256").update(key).digest("hex"));
  assert.equal(keyDigest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("every letter is as likely as any other, and no two keys are alike", () => {
  const keys = Array.from({ length: 2000 }, () => createKey().key);
  assert.equal(new Set(keys).size, keys.length);
  const counts = new Map<string, number>();
  for (const letter of keys.flatMap((key) => Array.from(key.replaceAll("_", "").slice(2)))) {
    counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  assert.equal(counts.size, 62);
  const expected = (2000 * 40) / 62;
  // Six standard deviations; without rejection some letters would be a fifth more frequent than that.
  for (const [letter, count] of counts)
    assert.ok(Math.abs(count - expected) < 6 * Math.sqrt(expected), `${letter} ${count}`);
});

test("what is no key has no id", () => {
  for (const text of ["", "hw_", "sk-abc", `hw_12345678_${"a".repeat(31)}`, `hw_1234567-_${"a".repeat(32)}`]) {
    assert.equal(keyIdOf(text), undefined, text);
  }
});
