import assert from "node:assert/strict";
import { test } from "node:test";
import { noRedis, startRedis } from "../support/redis.ts";
import { perMinute, SharedProcess } from "../support/shared-process.ts";

const skip = noRedis();

test("of a budget of one, 200 parallel requests over two processes get one", { skip }, async () => {
  await using redis = await startRedis();
  const limits = [perMinute("requests", 1)];
  await using one = await SharedProcess.start(redis.url, limits);
  await using other = await SharedProcess.start(redis.url, limits);
  const results = await Promise.all(
    Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? one : other).reserve({ "tenant:acme requests/1m": 1 })),
  );
  const kinds = results.map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => kind === "reserved").length, 1);
  assert.equal(kinds.filter((kind) => kind === "shortage").length, 199);
});
