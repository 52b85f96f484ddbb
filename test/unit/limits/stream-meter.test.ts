import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { LedgerKeeper } from "../../../src/limits/ledger-keeper.ts";
import { Ledger } from "../../../src/limits/ledger.ts";
import type { Refusal, Reservation } from "../../../src/limits/limiter.ts";
import { RequestLimits } from "../../../src/limits/plan.ts";
import type { Limit } from "../../../src/limits/plan.ts";
import { StreamMeter } from "../../../src/limits/stream-meter.ts";
import { budget, rate, readLedger, reserved, shared } from "./ledger-parts.ts";

const OWNER = { kind: "tenant", tenant: "acme" } as const;
const PRICE = { inputUsdPerMillion: 1, outputUsdPerMillion: 3, cachedInputUsdPerMillion: undefined };
const LIMITS: readonly Limit[] = [
  { account: 0, owner: OWNER, measure: "outputTokens", unit: "", endsStreams: true },
  { account: 1, owner: OWNER, measure: "usd", unit: "", endsStreams: true },
  { account: 2, owner: OWNER, measure: "tokens", unit: "", endsStreams: false },
];

interface Scene {
  readonly keeper: LedgerKeeper;
  readonly reservation: Reservation;
  readonly meter: StreamMeter;
}

function sceneOf(tokens: number, microUsd: number, reservedTokens: number, limits = LIMITS): Scene {
  const keeper = new LedgerKeeper({ rows: 1, accounts: 4 });
  keeper.define([rate("tokens", tokens), budget("usd", microUsd), rate("all", 1_000_000)]);
  const ledger = Ledger.attach(keeper.buffer, keeper.claimRow());
  const use = { inputTokens: 10, outputTokens: reservedTokens };
  const request = new RequestLimits(limits);
  const reservation = reserved(ledger.reserve(request.charges(use, PRICE), 0));
  const meter = new StreamMeter({ reservation, limits: request, reserved: use, price: PRICE });
  return { keeper, reservation, meter };
}

test("a stream goes on past what was reserved for as long as there is more, to the last of the limit, and no further", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 3000 }),
      fc.integer({ min: 400, max: 9000 }),
      fc.nat(100),
      fc.integer({ min: 1, max: 90 }),
      (tokens, microUsd, reservedTokens, perRead) => {
        const { keeper, reservation, meter } = sceneOf(tokens, microUsd, reservedTokens);
        const most = Math.min(tokens, Math.floor((microUsd - 10) / 3));
        let sent = 0;
        let refusal: Refusal | null = null;
        for (let nowMs = 0; refusal === null; nowMs++) {
          sent += perRead;
          refusal = meter.meter(sent, nowMs);
          const [output, usd] = readLedger(keeper.buffer);
          assert.ok(output!.used <= tokens && usd!.held <= microUsd);
          if (refusal === null) assert.ok(reservation.amounts[0]! >= sent);
        }
        assert.equal(refusal.kind, "shortage");
        assert.ok(sent > most && sent - perRead <= most, `ended at ${sent} of ${most}`);
      },
    ),
  );
});

test("limits that end no streams are not asked in the middle of one", () => {
  const { meter, reservation } = sceneOf(100, 1000, 10, [{ ...LIMITS[0]!, endsStreams: false }, LIMITS[2]!]);
  for (let sent = 0; sent < 100_000; sent += 1000) assert.equal(meter.meter(sent, 0), null);
  assert.deepEqual(reservation.amounts, [10, 20]);
});

test("where more can be had elsewhere the stream goes on, and says so again only after a while", () => {
  const keeper = new LedgerKeeper({ rows: 1, accounts: 1 });
  keeper.define([shared(rate("tokens", 10_000))]);
  keeper.grant({ account: 0, amount: 100, mark: 1, expiresMs: 1e9 });
  const ledger = Ledger.attach(keeper.buffer, keeper.claimRow());
  const limits = new RequestLimits(LIMITS.slice(0, 1));
  const use = { inputTokens: 0, outputTokens: 100 };
  const reservation = reserved(ledger.reserve(limits.charges(use, PRICE), 0));
  const meter = new StreamMeter({ reservation, limits, reserved: use, price: PRICE });
  assert.equal(meter.meter(100, 0), null);
  assert.equal(meter.meter(101, 0)?.kind, "refill");
  assert.equal(meter.meter(120, 0), null);
  assert.equal(meter.meter(170, 0)?.kind, "refill");
  keeper.grant({ account: 0, amount: 1000, mark: 2, expiresMs: 1e9 });
  assert.equal(meter.meter(240, 0), null);
  assert.ok(reservation.amounts[0]! >= 240);
});

test("a stream is not ended because nobody can tell at the moment", () => {
  const { keeper, meter } = sceneOf(1000, 100_000, 10);
  keeper.recover(1);
  assert.equal(meter.meter(50, 0), null);
});
