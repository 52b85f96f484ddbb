import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { STATUS_CODES } from "node:http";
import { test } from "node:test";
import { ERRORS, GatewayError } from "../../../src/core/errors.ts";
import type { ErrorCode } from "../../../src/core/errors.ts";
import { OUTCOMES } from "../../../src/core/outcome.ts";

const root = new URL("../../../", import.meta.url);
const codes = Object.keys(ERRORS) as ErrorCode[];
const source = globSync("src/**/*.ts", { cwd: root })
  .filter((file) => file !== "src/core/errors.ts" && file !== "src/core/outcome.ts")
  .map((file) => readFileSync(new URL(file, root), "utf8"))
  .join("\n");

test("every error code is used somewhere in the source", () => {
  assert.deepEqual(
    codes.filter((code) => !source.includes(`"${code}"`)),
    [],
  );
});

test("every outcome is used somewhere in the source", () => {
  assert.deepEqual(
    Object.keys(OUTCOMES).filter((outcome) => !source.includes(`"${outcome}"`)),
    [],
  );
});

test("every error code is documented with its status, and no other is", () => {
  const page = readFileSync(new URL("docs/reference/errors.md", root), "utf8");
  const documented = [...page.matchAll(/^\| `([a-z_]+)`\s*\| (\d+)/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  assert.deepEqual(
    documented,
    codes.map((code) => [code, ERRORS[code].status]),
  );
});

test("every status is one of HTTP's for errors, and says whose doing the error is", () => {
  for (const code of codes) {
    const { status, source: from, retry } = ERRORS[code];
    assert.ok(status >= 400 && status <= 599 && STATUS_CODES[status] !== undefined, code);
    const refusedForNow = status === 429;
    assert.equal(status < 500 && !refusedForNow, from === "client", `${code}: 4xx but 429 is the client's, 5xx is not`);
    if (refusedForNow) assert.equal(retry, true, `${code}: may be sent again later`);
    if (from === "client") assert.equal(retry, code === "request_timeout", `${code}: the same request fails again`);
  }
});

test("every message is a sentence that can stand in a header or a body as it is", () => {
  for (const code of codes) assert.match(ERRORS[code].message, /^[A-Z][\x20-\x7e]{5,120}\.$|try again\.$/, code);
  assert.equal(ERRORS.prompt_empty.message, "Prompt cannot be empty.");
});

test("an error takes from the table what it is not told otherwise", () => {
  for (const code of codes) {
    const { status, message, source: from, retry } = ERRORS[code];
    const error = new GatewayError(code);
    assert.deepEqual(
      [error.code, error.status, error.message, error.source, error.retry],
      [code, status, message, from, retry],
    );
    assert.deepEqual([error.param, error.retryAfterMs, error.detail], [undefined, undefined, undefined]);
  }
  const told = new GatewayError("upstream_status", {
    status: 429,
    message: "m",
    retryAfterMs: 5,
    detail: "d",
    param: "p",
  });
  assert.deepEqual(
    [told.status, told.message, told.retryAfterMs, told.detail, told.param, told.source],
    [429, "m", 5, "d", "p", "upstream"],
  );
});
