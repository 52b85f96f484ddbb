import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import type { ConfigNode } from "../../../src/config/setting.ts";
import {
  baseUrl,
  dollars,
  duration,
  durationOrOff,
  integer,
  isSendableSecret,
  redisUrl,
  size,
} from "../../../src/config/values.ts";

function read<Output>(node: ConfigNode<Output>, written: string | undefined): Output | undefined {
  return node.schema.safeParse(written).data;
}

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const UNITS_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const amount = fc.integer({ min: 0, max: 5_000 });

test("a duration is taken exactly when it is in range, in any unit, as whole milliseconds", () => {
  const node = duration({ default: "5s", min: "10ms", max: "1h" });
  for (const [unit, factor] of Object.entries(UNITS_MS)) {
    fc.assert(
      fc.property(amount, (n) => {
        const durationMs = n * factor;
        const inRange = durationMs >= 10 && durationMs <= 3_600_000;
        assert.equal(read(node, `${n}${unit}`), inRange ? durationMs : undefined);
      }),
    );
  }
  assert.equal(read(node, "10.4ms"), 10);
});

test("a size is taken exactly when it is in range, in any unit", () => {
  const node = size({ default: "1MiB", min: "1KiB", max: "1GiB" });
  for (const [unit, factor] of Object.entries(UNITS_BYTES)) {
    fc.assert(
      fc.property(amount, (n) => {
        const sizeBytes = n * factor;
        const inRange = sizeBytes >= 1024 && sizeBytes <= 1024 ** 3;
        assert.equal(read(node, `${n}${unit}`), inRange ? sizeBytes : undefined);
      }),
    );
  }
});

test("only digits make a whole number", () => {
  const node = integer({ default: "5", min: "0", max: "65535" });
  fc.assert(fc.property(fc.integer({ min: 0, max: 65_535 }), (n) => read(node, String(n)) === n));
  for (const wrong of ["", "-1", "+1", "1.0", "1e3", "0x10", "1_000", " 1", "65536", "9".repeat(40)]) {
    assert.equal(read(node, wrong), undefined, wrong);
  }
});

test("what is left out has its default, read like any other text", () => {
  assert.equal(read(duration({ default: "5s", min: "1ms", max: "1h" }), undefined), 5_000);
  assert.equal(read(size({ default: "2KiB", min: "1B", max: "1MiB" }), undefined), 2_048);
});

test("off is a duration of 0 where it is allowed, and nowhere else", () => {
  const options = { default: "15s", min: "1ms", max: "1h" };
  assert.equal(read(durationOrOff(options), "off"), 0);
  assert.equal(read(durationOrOff(options), "0s"), undefined);
  assert.equal(read(durationOrOff(options), "2s"), 2_000);
  assert.equal(read(duration(options), "off"), undefined);
});

test("a base URL that is taken has nothing but scheme, host, port and path, without a slash at its end", () => {
  const part = fc.constantFrom(
    "http://",
    "HTTPS://",
    "h",
    "a.b",
    ":80",
    ":0",
    "/",
    "//",
    "/v1",
    "?",
    "#",
    "@",
    "u:p@",
    "..",
    "%2f",
    "é",
    "[::1]",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.webUrl({ withQueryParameters: true }),
        fc.array(part, { maxLength: 8 }).map((parts) => parts.join("")),
      ),
      (written) => {
        const url = read(baseUrl(), written);
        if (url === undefined) return;
        assert.match(url.protocol, /^https?:$/);
        assert.equal(url.username + url.password + url.search + url.hash, "");
        assert.ok(url.pathname === "/" || !url.pathname.endsWith("/"), url.href);
        assert.equal(url.href, url.origin + url.pathname);
      },
    ),
  );
});

test("a secret is taken exactly when it is visible ASCII, so that it can stand in a header", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 20 }), (written) => {
      const visible = Array.from(written).every((character) => character > " " && character < "\u007f");
      assert.equal(isSendableSecret(written), visible && written !== "");
    }),
  );
  assert.equal(isSendableSecret("k\r\nx-evil: 1"), false);
  assert.equal(isSendableSecret("k".repeat(4097)), false);
});

test("an amount of dollars has up to six decimals, and nothing else is one", () => {
  const node = dollars({ example: "25", min: "0.000001", max: "1000" });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), (micros) => {
      assert.equal(read(node, (micros / 1_000_000).toFixed(6)), micros / 1_000_000);
    }),
  );
  for (const wrong of ["0", "0.0000001", "1000.1", "1.1234567", "1.", ".5", "1e3", "-1", "$1", "1,5", " 1", undefined])
    assert.equal(read(node, wrong), undefined, wrong);
});

test("a Redis URL has a host, and may have TLS, credentials, a port and a database", () => {
  for (const right of ["redis://h", "rediss://u:p@h:1/0", "REDIS://[::1]:6379/", "redis://:p@h/15"])
    assert.ok(read(redisUrl(), right) !== undefined, right);
  for (const wrong of [
    "",
    "h",
    "http://h",
    "redis:h",
    "redis://",
    "redis:///0",
    "redis://h/x",
    "redis://h h",
    "redis://h/0/1",
  ])
    assert.equal(read(redisUrl(), wrong), undefined, wrong);
});
