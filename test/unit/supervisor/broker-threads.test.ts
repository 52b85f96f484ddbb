/** Admission over several real threads: what it promises whatever they do, and however they end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { MessageChannel, Worker } from "node:worker_threads";
import { AdmissionCells } from "../../../src/board/admission-cells.ts";
import { Board } from "../../../src/board/board.ts";
import { ColumnDirectory } from "../../../src/board/columns.ts";
import { counterNames, slotCounter } from "../../../src/config/counter-names.ts";
import { Broker } from "../../../src/supervisor/broker.ts";
import type { BrokerLink } from "../../../src/supervisor/broker.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { SlotUsage } from "../board/slot-usage.ts";
import { configWith } from "./broker-bed.ts";
import type { SlotUserData } from "./slot-user.ts";

const settingsOf = (cap: number): string => `max_concurrency: ${cap}, queue: { max_waiting: 1000, max_wait: 50s }`;

interface User {
  readonly worker: Worker;
  readonly row: number;
  readonly link: BrokerLink;
  readonly ended: Promise<void>;
}

class Threads {
  readonly usage = new SlotUsage();
  readonly board = Board.create({ rows: 8, columns: 16 });
  readonly broker: Broker;
  readonly column: number;
  readonly cells: AdmissionCells;
  readonly #test: TestContext;
  readonly #settings: string;
  readonly #columns: ReadonlyMap<string, number>;
  #owner = 0;

  constructor(test: TestContext, cap: number) {
    this.#test = test;
    this.#settings = settingsOf(cap);
    const config = configWith({ up: this.#settings });
    this.#columns = new ColumnDirectory(16).extend(counterNames(config));
    this.column = this.#columns.get(slotCounter("up"))!;
    this.broker = new Broker({ board: this.board, config, columns: this.#columns });
    this.cells = new AdmissionCells(this.board.memory, this.column);
    test.after(() => this.broker.close());
  }

  start(thread: number, clients: number, requests: number): User {
    const row = this.board.claimRow(++this.#owner).index;
    const { port1, port2 } = new MessageChannel();
    const link = this.broker.connect(port1);
    const workerData: SlotUserData = {
      buffer: this.board.buffer,
      usage: this.usage.buffer,
      admissionPort: port2,
      thread,
      row,
      columns: this.#columns,
      settings: this.#settings,
      clients,
      requests,
    };
    const worker = new Worker(new URL("./slot-user.ts", import.meta.url), { workerData, transferList: [port2] });
    this.#test.after(() => worker.terminate());
    const ended = new Promise<void>((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", () => resolve());
      worker.once("exit", () => resolve());
    });
    return { worker, row, link, ended };
  }

  /** Nobody waits, nothing is out, and all can be taken. */
  async assertNothingLeft(): Promise<void> {
    await waitUntil(() => this.cells.waiting === 0 && this.board.sum(this.column) === 0);
    assert.equal(this.usage.inUse, 0);
  }
}

for (const cap of [1, 5, 20]) {
  test(`of ${cap} slots no more are ever in use over three threads with a queue, nobody is forgotten, and nothing is left`, async (t) => {
    const threads = new Threads(t, cap);
    const users = [0, 1, 2].map((thread) => threads.start(thread, 30, cap === 1 ? 8 : 60));
    await Promise.all(users.map(({ ended }) => ended));
    assert.equal(threads.usage.highest, cap);
    await threads.assertNothingLeft();
  });
}

test("threads that are terminated in the middle of it take nothing with them, and the others go on", async (t) => {
  const cap = 6;
  const threads = new Threads(t, cap);
  const users = [0, 1, 2].map((thread) => threads.start(thread, 30, Infinity));
  for (let death = 0; death < 9; death++) {
    const thread = death % 3;
    const before = threads.usage.turns(thread);
    await waitUntil(() => threads.usage.turns(thread) > before + 30);
    const { worker, row, link } = users[thread]!;
    await worker.terminate();
    // In this order: what the board says is free is taken by the others at once.
    threads.usage.forget(thread);
    threads.board.clearRow(row);
    threads.broker.disconnect(link);
    users[thread] = threads.start(thread, 30, Infinity);
  }
  for (const thread of [0, 1, 2]) {
    const before = threads.usage.turns(thread);
    await waitUntil(() => threads.usage.turns(thread) > before + 30);
  }
  threads.usage.stop();
  await Promise.all(users.map(({ ended }) => ended));
  assert.equal(threads.usage.highest, cap);
  await threads.assertNothingLeft();
});
