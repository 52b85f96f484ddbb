import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import type { ChunkOwner } from "../../../src/observe/chunk-sink.ts";
import { FileSink } from "../../../src/observe/file-sink.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { ClosedPipe } from "./closed-pipe.ts";
import { UnreadPipe } from "./unread-pipe.ts";

/** Its standard input, as whoever has it as stdout sees it. */
function pipeTo(reader: ChildProcess): number {
  return (reader.stdin as unknown as { _handle: { fd: number } })._handle.fd;
}

/** Whose memory comes back. */
class Owner implements ChunkOwner {
  readonly reclaimed: ArrayBuffer[] = [];

  reclaim(memory: ArrayBuffer): void {
    this.reclaimed.push(memory);
  }
}

function linesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

async function textOf(reader: ChildProcess): Promise<string> {
  let text = "";
  reader.stdout!.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(reader, "close");
  return text;
}

test("chunks of many owners are written whole and in order, and each memory comes back to its own", async () => {
  const reader = spawn("cat", { stdio: ["pipe", "pipe", "ignore"] });
  const text = textOf(reader);
  const sink = new FileSink(pipeTo(reader));
  const owners = [new Owner(), new Owner(), new Owner()];
  let put = "";
  const memories: ArrayBuffer[][] = [[], [], []];
  for (let n = 0; n < 60; n++) {
    const chunk = `${n} ${"x".repeat(n * 2000)}\n`;
    const lines = linesOf(chunk);
    memories[n % 3]!.push(lines.buffer);
    sink.put(lines, owners[n % 3]!);
    put += chunk;
  }
  await waitUntil(() => owners.every(({ reclaimed }) => reclaimed.length === 20));
  assert.deepEqual(
    owners.map(({ reclaimed }) => reclaimed),
    memories,
  );
  reader.stdin.end();
  assert.equal(await text, put);
});

test("a slow reader gets every byte: a full pipe is tried again from where it stopped", async () => {
  // Reads in pieces that fit no chunk.
  const reader = spawn("sh", ["-c", "while dd bs=7777 count=1 2>/dev/null | grep .; do :; done"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const text = textOf(reader);
  const sink = new FileSink(pipeTo(reader));
  const owner = new Owner();
  let put = "";
  for (let n = 0; n < 5; n++) {
    const chunk = `${n} ${"y".repeat(100_000)}\n`;
    put += chunk;
    sink.put(linesOf(chunk), owner);
  }
  await waitUntil(() => owner.reclaimed.length === 5);
  reader.stdin.end();
  // `grep` ends each piece with a line end of its own.
  assert.equal((await text).replaceAll("\n", ""), put.replaceAll("\n", ""));
});

test("a reader that has gone is no fault: memory comes back, then and later, and flush has nothing to wait for", async () => {
  using pipe = new ClosedPipe();
  const sink = new FileSink(pipe.fd);
  const owner = new Owner();
  sink.put(linesOf("first\n"), owner);
  sink.put(linesOf("second\n"), owner);
  await sink.flush();
  assert.equal(owner.reclaimed.length, 2);
  sink.put(linesOf("third\n"), owner);
  assert.equal(owner.reclaimed.length, 3);
});

test("all threads together have 64 MiB waiting at most; what is beyond comes back and is counted by lines", async () => {
  await using pipe = new UnreadPipe();
  const sink = new FileSink(pipe.fd);
  const kept = new Owner();
  const chunk = "one\ntwo\nthree\n";
  const total = 70;
  for (let n = 0; n < total; n++) {
    const memory = new ArrayBuffer(1024 * 1024);
    new TextEncoder().encodeInto(chunk, new Uint8Array(memory));
    sink.put(new Uint8Array(memory, 0, chunk.length), kept);
  }
  const refused = kept.reclaimed.length;
  assert.ok(refused >= total - 64 && refused < total);
  const lines = await pipe.lines((line) => line.includes("log lines were lost"));
  assert.equal(Number(/"lines":(\d+)/.exec(lines.at(-1)!)![1]), refused * 3);
  assert.equal(lines.filter((line) => line === "two").length, total - refused);
});
