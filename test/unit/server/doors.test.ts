import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { test } from "node:test";
import { Doors } from "../../../src/server/doors.ts";
import { isTaken } from "../../../src/cli/ports.ts";

const place = (shared: boolean): { host: string; port: number; setting: string; shared: boolean } => ({
  host: "127.0.0.1",
  port: 0,
  setting: "server.port",
  shared,
});

/** How many sockets listen on `port`. Linux alone tells. */
async function openDoors(port: number): Promise<number> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = (await readFile("/proc/net/tcp", "utf8")).split("\n");
  return lines.filter((line) => line.includes(`0100007F:${hex} 00000000:0000 0A`)).length;
}

test("clients of every door are the one server's", async (t) => {
  const server = http.createServer((request, response) => response.end(request.url));
  const doors = new Doors(server);
  const port = await doors.open(place(true));
  t.after(() => doors.close());
  if (process.platform === "linux") assert.equal(await openDoors(port), 8);
  const answers = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const answer = await fetch(`http://127.0.0.1:${port}/${i}`, { headers: { connection: "close" } });
      return answer.text();
    }),
  );
  assert.deepEqual(
    answers,
    answers.map((_, i) => `/${i}`),
  );
});

test("a port that is not shared has one door", { skip: process.platform !== "linux" }, async () => {
  const doors = new Doors(http.createServer());
  const port = await doors.open(place(false));
  assert.equal(await openDoors(port), 1);
  await doors.close();
});

test("closed doors leave the port to others at once, and the close waits for whoever is inside", async () => {
  const server = http.createServer((_, response) => void response.writeHead(200).write("in"));
  const doors = new Doors(server);
  const port = await doors.open(place(true));
  const clients = Array.from({ length: 20 }, () => net.connect(port, "127.0.0.1"));
  for (const client of clients) {
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await once(client, "data");
  }
  let closed = false;
  const closing = doors.close().then(() => (closed = true));
  assert.equal(await isTaken("127.0.0.1", port), false);
  assert.equal(closed, false);
  for (const client of clients) client.destroy();
  await closing;
});
