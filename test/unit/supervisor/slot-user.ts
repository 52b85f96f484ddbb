/** A thread whose clients ask for slots, hold them for a moment and give them back, until each has had enough. */
import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { Board } from "../../../src/board/board.ts";
import type { Columns } from "../../../src/board/columns.ts";
import { GatewayError } from "../../../src/core/errors.ts";
import { TimerWheel } from "../../../src/core/timer-wheel.ts";
import { AdmissionDesk } from "../../../src/relay/admission-desk.ts";
import { Waiting } from "../../../src/relay/admitted.ts";
import type { Admitted } from "../../../src/relay/admitted.ts";
import { SlotUsage } from "../board/slot-usage.ts";
import { configWith } from "./broker-bed.ts";

export interface SlotUserData {
  readonly buffer: SharedArrayBuffer;
  readonly usage: SharedArrayBuffer;
  readonly admissionPort: MessagePort;
  /** 0–3. */
  readonly thread: number;
  readonly row: number;
  readonly columns: Columns;
  /** Of the upstream `up`. */
  readonly settings: string;
  readonly clients: number;
  /** Each client's. */
  readonly requests: number;
}

const data = workerData as SlotUserData;
const { thread } = data;
const board = Board.attach(data.buffer);
const usage = new SlotUsage(data.usage);
const wheel = new TimerWheel({ tickMs: 10, slots: 512 });
const share = { board, row: board.row(data.row), columns: data.columns };
const config = configWith({ up: data.settings });
const desk = new AdmissionDesk({ share, config, port: data.admissionPort, wheel });
// To the test's end: a grant that crosses a leaving has to find somebody who gives it back.
setInterval(() => {}, 1000);
let left = data.clients;

for (let client = 0; client < data.clients; client++) start(client, data.requests);

function start(client: number, requests: number): void {
  if (requests === 0 || usage.stopped) {
    if (--left === 0) finish();
    return;
  }
  const next = (): void => {
    usage.turn(thread);
    start(client, requests - 1);
  };
  const hold = (answer: Admitted | GatewayError): void => {
    if (answer instanceof GatewayError) throw new Error(`refused: ${answer.code}`);
    usage.enter(thread);
    const giveBack = (): void => {
      usage.leave(thread);
      answer.release();
      answer.release();
      next();
    };
    if (Math.random() < 0.5) setImmediate(giveBack);
    else setTimeout(giveBack, Math.random() * 3);
  };
  const tenant = `${thread} ${client % 3}`;
  const request = { upstream: "up", tenant, weight: 1 + (client % 3), costTokens: 1 + 100 * Math.random() };
  const answer = desk.admit({ ...request, priority: client % 5 === 0 ? "batch" : "interactive" }, hold);
  if (!(answer instanceof Waiting)) return hold(answer);
  // Some clients leave.
  if (Math.random() > 0.2) return;
  const leave = (): void => {
    if (answer.timerNext === null) return;
    answer.cancel();
    next();
  };
  if (Math.random() < 0.5) setImmediate(leave);
  else setTimeout(leave, 2);
}

function finish(): void {
  if (desk.waiting > 0) throw new Error(`${desk.waiting} still wait`);
  parentPort!.postMessage("done");
}
