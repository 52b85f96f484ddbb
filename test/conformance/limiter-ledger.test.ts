/** Limits over the loops of one process. */
import assert from "node:assert/strict";
import { LedgerKeeper } from "../../src/limits/ledger-keeper.ts";
import { Ledger } from "../../src/limits/ledger.ts";
import { limiterConformance } from "./limiter.ts";

limiterConformance({
  name: "the ledger",
  skip: false,
  windowMs: 60_000,
  lateMs: 1000,
  returnMs: 0,
  async open(definitions, parties) {
    const keeper = new LedgerKeeper({ rows: parties, accounts: 8 });
    keeper.define(definitions);
    const ledgers = Array.from({ length: parties }, () => Ledger.attach(keeper.buffer, keeper.claimRow()));
    let nowMs = 1_234_567.8;
    return {
      async reserve(party, charges) {
        const answer = ledgers[party]!.reserve(charges, nowMs);
        if (answer.kind === "refill" || answer.kind === "busy") assert.fail(answer.kind);
        return answer;
      },
      nowMs: () => nowMs,
      async pass(ms) {
        nowMs += ms;
      },
      async [Symbol.asyncDispose]() {},
    };
  },
});
