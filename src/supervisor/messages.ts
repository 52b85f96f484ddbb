/** What the supervisor and a loop's thread say to each other. Plain data: it crosses threads by structured clone. */
import type { MessagePort } from "node:worker_threads";
import type { Columns } from "../board/columns.ts";
import type { PortableConfig } from "../config/portable.ts";
import type { MetricSnapshot } from "../observe/metric.ts";
import type { Accounts } from "../limits/accounts.ts";
import type { Charge, SliceReturn } from "../limits/limiter.ts";
import type { LeaseResult } from "../limits/redis/lease-waiter.ts";
import type { KeyChanges, KeyRecord } from "../tenants/key-record.ts";

/** A loop's thread ends itself with this before its heap is so full that V8 would end the process. */
export const HEAP_FULL_EXIT_CODE = 70;

/** What a loop is started with. */
export interface LoopThreadData {
  /** From 1; as logs and metrics name it. */
  readonly loop: number;
  readonly config: PortableConfig;
  readonly board: SharedArrayBuffer;
  /** Its row on the board. */
  readonly row: number;
  /** Of the config. */
  readonly columns: Columns;
  /** Of the store, as they are now. */
  readonly keys: readonly KeyRecord[];
  /** Limits in shared memory, the loop's row there, and which account is which. */
  readonly ledger: SharedArrayBuffer;
  readonly ledgerRow: number;
  readonly accounts: Accounts;
  /** To listen on, where it is known; 0 takes any free one. */
  readonly port: number;
  /** Other loops listen on the same port. */
  readonly sharesPort: boolean;
  /** What the process may have of the host: bytes, and open files. */
  readonly host: { readonly memoryLimitBytes: number; readonly openFileLimit: number };
  /** The broker of slots is at the other end: `src/admission/broker-messages.ts`. */
  readonly admissionPort: MessagePort;
  /** Log lines go this way. */
  readonly logPort: MessagePort;
  /** How long a log line may wait to be written with others, milliseconds. */
  readonly logIntervalMs: number;
}

/** From the supervisor. */
export type ToLoop =
  | { readonly kind: "reload"; readonly config: PortableConfig; readonly columns: Columns; readonly accounts: Accounts }
  /** Keys have been made or revoked. */
  | { readonly kind: "keys"; readonly changes: KeyChanges; readonly accounts: Accounts }
  /** The answer to a `lease`. */
  | { readonly kind: "leased"; readonly ticket: number; readonly result: LeaseResult }
  /** Take no new work, finish what is under way, end the thread. */
  | { readonly kind: "drain"; readonly timeoutMs: number }
  /** End everything now. */
  | { readonly kind: "stop" }
  | { readonly kind: "read_metrics"; readonly question: number };

/** From a loop. */
export type FromLoop =
  | { readonly kind: "listening"; readonly port: number }
  /** It can't listen; the thread ends. `message` says what to do. */
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "reloaded"; readonly configVersion: string }
  /** More of accounts that are shared with other processes. */
  | { readonly kind: "lease"; readonly ticket: number; readonly needs: readonly Charge[] }
  /** Settled too late for the slice that it was taken from. */
  | { readonly kind: "late_return"; readonly late: SliceReturn }
  /** What it has counted, as the last thing it does. */
  | { readonly kind: "last_metrics"; readonly metrics: readonly MetricSnapshot[] }
  | { readonly kind: "metrics"; readonly question: number; readonly metrics: readonly MetricSnapshot[] };
