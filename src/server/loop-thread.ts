/**
 * A loop's thread: what the supervisor starts, tells and asks. Whatever nobody catches ends the thread, and with it the
 * streams of this loop alone.
 */
import { getHeapStatistics } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { processLimits } from "../admission/process-readings.ts";
import type { ProcessReadings } from "../admission/process-readings.ts";
import { Board } from "../board/board.ts";
import { fromPortable } from "../config/portable.ts";
import type { ConfigSnapshot } from "../config/snapshot.ts";
import { Ledger } from "../limits/ledger.ts";
import { LogGatherer } from "../observe/log-gatherer.ts";
import { createLog } from "../observe/log.ts";
import { PortSink } from "../observe/port-sink.ts";
import { HEAP_FULL_EXIT_CODE } from "../supervisor/messages.ts";
import type { FromLoop, LoopThreadData, ToLoop } from "../supervisor/messages.ts";
import { Loop } from "./loop.ts";

/**
 * A heap that fills slowly ends the thread here. V8 does that as well, but where it has no time left to do it properly (many
 * strings at once) it ends the process.
 */
const FULLEST_HEAP = 0.9;
const HEAP_CHECK_MS = 250;

async function run(): Promise<void> {
  const data = workerData as LoopThreadData;
  const supervisor = parentPort!;
  const say = (message: FromLoop): void => supervisor.postMessage(message);
  const output = new LogGatherer(new PortSink(data.logPort), data.logIntervalMs);
  process.once("exit", () => output.handOver());
  const board = Board.attach(data.board);
  const share = { board, row: board.row(data.row), columns: data.columns };
  const config = fromPortable(data.config);
  let limits = limitsOf(config, data.host);
  const readings = (): ProcessReadings => ({
    ...limits,
    rssBytes: board.get("rssBytes"),
    bufferedBytes: board.total("bufferedBytes"),
    openSockets: board.total("clientSockets"),
  });
  const limiter = Ledger.attach(data.ledger, data.ledgerRow, {
    onLateReturn: (late) => say({ kind: "late_return", late }),
  });
  const loop = new Loop(config, createLog(output), {
    share,
    readings,
    keys: data.keys,
    admissionPort: data.admissionPort,
    limits: { limiter, accounts: data.accounts, ask: (ticket, needs) => say({ kind: "lease", ticket, needs }) },
  });
  const end = async (): Promise<void> => {
    await loop.close();
    await output.flush();
    process.exit();
  };
  process.once("exit", () => say({ kind: "last_metrics", metrics: loop.metrics.snapshot() }));
  supervisor.on("message", (message: ToLoop) => {
    switch (message.kind) {
      case "reload": {
        share.row.doing = "reload";
        const next = fromPortable(message.config);
        limits = limitsOf(next, data.host);
        loop.reload(next, message.columns, message.accounts);
        return say({ kind: "reloaded", configVersion: next.version });
      }
      case "keys":
        // First: a key may not be known before its accounts are.
        loop.limits.addAccounts(message.accounts);
        return loop.keys.apply(message.changes);
      case "leased":
        return loop.limits.leased(message.ticket, message.result);
      case "drain":
        share.row.doing = "drain";
        return void loop.drain(message.timeoutMs).then(end);
      case "stop":
        return void end();
      case "read_metrics":
        share.row.doing = "metrics";
        return say({ kind: "metrics", question: message.question, metrics: loop.metrics.snapshot() });
    }
  });
  setInterval(() => {
    const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics();
    if (usedBytes > FULLEST_HEAP * limitBytes) process.exit(HEAP_FULL_EXIT_CODE);
  }, HEAP_CHECK_MS).unref();
  try {
    say({ kind: "listening", port: await loop.listen({ port: data.port, shared: data.sharesPort }) });
  } catch (error) {
    say({ kind: "failed", message: (error as Error).message });
    await end();
  }
}

/** Over TLS, `auto` may turn out to be HTTP/1.1, and then a stream takes two sockets. */
function limitsOf(
  { server, upstreams }: ConfigSnapshot,
  host: LoopThreadData["host"],
): ReturnType<typeof processLimits> {
  const mayUseHttp1 = [...upstreams.values()].some(({ http2 }) => http2 !== "on");
  const memoryLimitBytes = server.memoryLimitBytes === "auto" ? host.memoryLimitBytes : server.memoryLimitBytes;
  return processLimits({ ...host, memoryLimitBytes, mayUseHttp1 });
}

await run();
