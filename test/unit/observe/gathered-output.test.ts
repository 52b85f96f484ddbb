import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";

import { GatheredOutput } from "../../../src/observe/gathered-output.ts";
import { UnreadPipe } from "./unread-pipe.ts";

const line = (i: number): string => `{"n":${i},"fill":"${"x".repeat(400)}"}\n`;

test("writes every line whole and in order", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "headwaiter-log-"));
  const file = path.join(folder, "log");
  const fd = fs.openSync(file, "w");
  const output = new GatheredOutput(fd);
  for (let i = 0; i < 5000; i++) {
    output.write(line(i));
    if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await output.flush();
  const lines = fs.readFileSync(file, "utf8").split("\n").slice(0, -1);
  assert.deepEqual(
    lines.map((text) => (JSON.parse(text) as { n: number }).n),
    Array.from({ length: 5000 }, (_, i) => i),
  );
  fs.closeSync(fd);
  fs.rmSync(folder, { recursive: true });
});

test("a line that comes alone is written without being asked", async () => {
  const reader = spawn("cat", { stdio: ["pipe", "pipe", "ignore"] });
  const fd = (reader.stdin as unknown as { _handle: { fd: number } })._handle.fd;
  new GatheredOutput(fd).write("alone\n");
  const [chunk] = (await once(reader.stdout, "data")) as [Buffer];
  assert.equal(chunk.toString(), "alone\n");
  reader.kill();
  await once(reader, "close");
});

test("a reader that does not read costs bounded memory, and lines lost are counted in the log", async () => {
  await using pipe = new UnreadPipe();
  const output = new GatheredOutput(pipe.fd, 10);
  const total = 40_000;
  for (let i = 0; i < total; i++) output.write(line(i));
  const lines = await pipe.lines((line) => line.includes("log lines were lost"));
  const lost = Number(/"lines":(\d+)/.exec(lines.pop()!)?.[1]);
  assert.ok(lost > 0 && lines.length < 25_000);
  assert.equal(lost + lines.length, total);
});
