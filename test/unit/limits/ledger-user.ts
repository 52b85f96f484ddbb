/** A thread that reserves and settles at random until it is told to stop, and notes what it was let in with. */
import { workerData } from "node:worker_threads";
import { monotonicMs } from "../../../src/core/monotonic-clock.ts";
import { LedgerReservation } from "../../../src/limits/ledger-reservation.ts";
import { Ledger } from "../../../src/limits/ledger.ts";
import { SlotUsage } from "../board/slot-usage.ts";
import { AdmissionLog } from "./admission-log.ts";

export interface LedgerUserData {
  readonly ledger: SharedArrayBuffer;
  readonly row: number;
  readonly usage: SharedArrayBuffer;
  /** 0–3. */
  readonly thread: number;
  readonly log: SharedArrayBuffer;
  /** Which list of the log is its own. */
  readonly list: number;
}

/** Accounts, as the test defines them. */
const ACCOUNT = { tokens: 0, usd: 1, concurrency: 2 } as const;
const MOST_HELD = 6;

const data = workerData as LedgerUserData;
const ledger = Ledger.attach(data.ledger, data.row);
const usage = new SlotUsage(data.usage);
const log = new AdmissionLog(data.log);
const held: LedgerReservation[] = [];
let logged = 0;
let hasRoom = true;

while (!usage.stopped && hasRoom) {
  usage.turn(data.thread);
  if (held.length < MOST_HELD && Math.random() < 0.6) take();
  else if (held.length > 0) giveBack(held.splice(Math.floor(Math.random() * held.length), 1)[0]!);
}
held.forEach(giveBack);

function take(): void {
  const tokens = 1 + Math.floor(Math.random() * 5);
  const charges = [
    { account: ACCOUNT.tokens, amount: tokens },
    { account: ACCOUNT.usd, amount: 3 },
    { account: ACCOUNT.concurrency, amount: 1 },
  ];
  const answer = ledger.reserve(charges, monotonicMs());
  if (!(answer instanceof LedgerReservation)) return;
  usage.enter(data.thread);
  // The time that the ledger took it to be.
  hasRoom = log.add(data.list, logged++, { atMs: answer.sinceMs(0), amount: tokens });
  held.push(answer);
}

function giveBack(reservation: LedgerReservation): void {
  usage.leave(data.thread);
  // Tokens are all used: so what the log has is what counts. Of the rest nothing is.
  reservation.settle([reservation.amounts[0]!, 0, 0], monotonicMs());
  reservation.release();
}
