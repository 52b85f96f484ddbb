/**
 * A test build of a loop's thread: the loop itself, and beside it a listener in the same thread that does what a fault would.
 * It announces its port on a BroadcastChannel.
 */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { BroadcastChannel, workerData } from "node:worker_threads";
import type { LoopThreadData } from "../../src/supervisor/messages.ts";

function spinFor(durationMs: number): void {
  for (const endMs = performance.now() + durationMs; performance.now() < endMs;);
}

const FAULTS: Readonly<Record<string, () => void>> = {
  "/spin": () => spinFor(120),
  "/throw": () =>
    void setImmediate(() => {
      throw new Error("a fault nobody catches");
    }),
  "/reject": () => void Promise.reject(new Error("a promise nobody waits for")),
  "/leak": () => {
    const kept: unknown[] = [];
    setInterval(() => kept.push(Array.from({ length: 20_000 }, () => kept.length)), 1);
  },
  "/exit": () => void setImmediate(() => process.exit(3)),
  "/exhaust": () => {
    for (let kept: unknown = null; ; kept = { kept }) if (kept === undefined) return;
  },
};

const faults = http.createServer((request, response) => {
  response.end("done", () => FAULTS[request.url ?? ""]?.());
});
faults.listen(0, "127.0.0.1", () => {
  const channel = new BroadcastChannel("faulty-loops");
  const { loop } = workerData as LoopThreadData;
  channel.postMessage({ loop, port: (faults.address() as AddressInfo).port });
  channel.close();
  faults.unref();
});

await import("../../src/server/loop-thread.ts");
