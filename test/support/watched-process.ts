/** A process of its own that watches one loop and prints each report as a line; ends by itself when its input does. */
import { Watchdog } from "../../src/supervisor/watchdog.ts";
import { BlockingLoop } from "./blocking-loop.ts";

const watchdog = new Watchdog({ onBlocked: (report) => process.stdout.write(`${JSON.stringify(report)}\n`) });
const loop = await BlockingLoop.start("loop 1");
await watchdog.watch(loop);
loop.worker.unref();
process.stdin.on("data", () => loop.order("spin", 300));
process.stdout.write("watching\n");
