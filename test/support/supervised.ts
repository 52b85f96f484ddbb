/** A whole gateway inside the test's process: a supervisor and real loop threads, each with a way to make it fail. */
import { BroadcastChannel } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import type { ConfigSnapshot } from "../../src/config/snapshot.ts";
import { createLog } from "../../src/observe/log.ts";
import { receiveLines } from "../../src/observe/port-sink.ts";
import { Gateway } from "../../src/supervisor/gateway.ts";
import { snapshotOf } from "./gateway.ts";
import { waitUntil } from "./wait-until.ts";

/** What a loop can be made to do: see faulty-loop.ts. */
type FaultName = "spin" | "throw" | "reject" | "exit" | "exhaust" | "leak";

/** A running gateway and what it has logged. */
export interface SupervisedGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Every log line so far, of all threads, parsed. */
  readonly logLines: readonly Record<string, unknown>[];
  /** The config that the next reload reads. */
  next: ConfigSnapshot;
  /** Makes a loop fail; resolves when it was told to. */
  fail(loop: number, fault: FaultName): Promise<void>;
  /** The first log line with this message, or one that is there already. */
  logged(message: string | RegExp): Promise<Record<string, unknown>>;
}

/** Starts it on a free port; dispose it at the end of the test. @param yaml with `server.workers`. */
export async function startSupervised(yaml: string): Promise<SupervisedGateway> {
  const logLines: Record<string, unknown>[] = [];
  const take = (text: string): void => {
    for (const line of text.split("\n")) if (line !== "") logLines.push(JSON.parse(line) as Record<string, unknown>);
  };
  const onLogPort = (port: MessagePort): void =>
    receiveLines(port, {
      put(lines, owner) {
        take(Buffer.from(lines).toString());
        owner.reclaim(lines.buffer);
      },
    });
  const faultPorts = new Map<number, number>();
  const channel = new BroadcastChannel("faulty-loops");
  channel.onmessage = (event) => {
    const { loop, port } = (event as { data: { loop: number; port: number } }).data;
    faultPorts.set(loop, port);
  };
  const config = snapshotOf(yaml);
  const running = { next: config };
  const gateway = new Gateway({
    config,
    log: createLog({ write: take }),
    logIntervalMs: 5,
    onLogPort,
    canSharePort: true,
    maxHeapMiB: 64,
    readConfig: () => Promise.resolve({ config: running.next }),
    entry: new URL("faulty-loop.ts", import.meta.url),
  });
  const port = await gateway.start();
  return Object.assign(running, {
    gateway,
    port,
    url: `http://127.0.0.1:${port}`,
    logLines,
    async fail(loop: number, fault: FaultName) {
      await waitUntil(() => faultPorts.has(loop));
      const faultPort = faultPorts.get(loop)!;
      // The next loop of this number announces another.
      if (fault !== "spin") faultPorts.delete(loop);
      const answer = await fetch(`http://127.0.0.1:${faultPort}/${fault}`);
      await answer.text();
    },
    async logged(message: string | RegExp) {
      const find = (): Record<string, unknown> | undefined =>
        logLines.find(({ msg }) => (typeof message === "string" ? msg === message : message.test(String(msg))));
      await waitUntil(() => find() !== undefined);
      return find()!;
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      channel.close();
    },
  });
}
