import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { Board } from "../../../src/board/board.ts";
import { ColumnDirectory } from "../../../src/board/columns.ts";
import { counterNames } from "../../../src/config/counter-names.ts";
import { monotonicMs } from "../../../src/core/monotonic-clock.ts";
import { Ledger } from "../../../src/limits/ledger.ts";
import { createLog } from "../../../src/observe/log.ts";
import { Broker } from "../../../src/supervisor/broker.ts";
import { ProcessLimits } from "../../../src/supervisor/process-limits.ts";
import { snapshotOf } from "../../support/gateway.ts";

/** What one process has of limits, and a loop that uses them. */
class OneProcess {
  readonly limits: ProcessLimits;
  readonly messages: string[] = [];
  readonly #ledger: Ledger;

  constructor(store: string) {
    const config = snapshotOf(`
store: { ${store} }
upstreams:
  up: { endpoints: [ { url: http://127.0.0.1:9/v1 } ] }
models:
  house: { upstream: up, price: { input: 1, output: 1 } }
tenants:
  acme: { limits: { usd_per_day: 10 } }
`);
    const columns = new ColumnDirectory(64).extend(counterNames(config));
    const broker = new Broker({ board: Board.create({ rows: 2, columns: 64 }), config, columns });
    const log = createLog({ write: (line) => this.messages.push((JSON.parse(line) as { msg: string }).msg) });
    this.limits = new ProcessLimits({ config, keys: () => [], rows: 1, log, broker });
    this.#ledger = Ledger.attach(this.limits.buffer, this.limits.claimRow());
  }

  get #account(): number {
    return [...this.limits.accounts].find(([name]) => name.startsWith("tenant:acme usd"))![1];
  }

  use(amount: number): void {
    const reserved = this.#ledger.reserve([{ account: this.#account, amount }], monotonicMs());
    assert.ok(reserved.kind === "reserved", reserved.kind);
    reserved.settle([amount], monotonicMs());
  }

  get used(): number {
    const { limit, remaining } = this.#ledger.peek(this.#account, monotonicMs());
    return limit - remaining;
  }

  /** How often it said so. */
  said(what: RegExp): number {
    return this.messages.filter((message) => what.test(message)).length;
  }
}

function storeFor(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "headwaiter-store-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

test("a process that ends while a later one has its store leaves the budgets to that one, and says so once", async (t) => {
  const path = storeFor(t);
  const first = new OneProcess(`path: ${path}`);
  first.use(1_000_000);
  await first.limits.close();
  const earlier = new OneProcess(`path: ${path}`);
  assert.equal(earlier.used, 1_000_000);
  const later = new OneProcess(`path: ${path}`);
  assert.equal(later.used, 1_000_000);
  later.use(2_000_000);
  earlier.use(5_000_000);
  await later.limits.close();
  await earlier.limits.close();
  await earlier.limits.close();
  assert.equal(earlier.said(/^a process that started later keeps the budgets/), 1);
  assert.equal(later.said(/^a process that started later keeps the budgets/), 0);
  const last = new OneProcess(`path: ${path}`);
  assert.equal(last.used, 3_000_000);
  await last.limits.close();
});

test("a gateway that finds no Redis when it starts says so once, and shows it", async (t) => {
  // Nobody listens on the discard port here.
  const one = new OneProcess(`path: ${storeFor(t)}, redis: "redis://127.0.0.1:9"`);
  assert.equal(one.limits.redisState, null);
  await one.limits.ready();
  assert.equal(one.limits.redisState, "open");
  assert.equal(one.said(/^Redis does not answer/), 1);
  await one.limits.close();
});
