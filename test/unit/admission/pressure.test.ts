import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { CALM_SAMPLES, Pressure, PRESSURE_LEVELS } from "../../../src/admission/pressure.ts";
import type { PressureLevel, PressureReason, PressureSample } from "../../../src/admission/pressure.ts";

const CALM: PressureSample = {
  loopDelayMs: 0,
  utilisation: 0,
  rssBytes: 0,
  rssLimitBytes: 1000,
  bufferedBytes: 0,
  bufferedLimitBytes: 1000,
  openSockets: 0,
  socketLimit: 1000,
};

/** Readings below, between and above every threshold, most of them near one. */
const ratio = fc.oneof(
  fc.constantFrom(0, 390, 410, 490, 640, 660, 710, 760, 810, 860, 880, 910, 930, 950, 970, 980, 990, 1000),
  fc.nat(1100),
);
const sample: fc.Arbitrary<PressureSample> = fc.record({
  loopDelayMs: fc.oneof(fc.constantFrom(0, 14, 16, 29, 31, 39, 41, 99, 101), fc.nat(300)),
  utilisation: ratio.map((thousandths) => Math.min(1, thousandths / 1000)),
  rssBytes: ratio,
  rssLimitBytes: fc.constant(1000),
  bufferedBytes: ratio,
  bufferedLimitBytes: fc.constant(1000),
  openSockets: ratio,
  socketLimit: fc.constant(1000),
});
/** Mostly calm, so that levels are left as well. */
const samples = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(CALM) }, { weight: 2, arbitrary: sample }), {
  maxLength: 60,
});

function after(given: readonly PressureSample[]): Pressure {
  const pressure = new Pressure();
  for (const one of given) pressure.sample(one);
  return pressure;
}

const rank = (level: PressureLevel): number => PRESSURE_LEVELS.indexOf(level);

/** Reason → a reading of it that asks for a level. */
const ENTERING: Readonly<Record<PressureReason, Readonly<Record<"soft" | "hard", Partial<PressureSample>>>>> = {
  sockets: { soft: { openSockets: 800 }, hard: { openSockets: 990 } },
  memory: { soft: { rssBytes: 800 }, hard: { rssBytes: 920 } },
  buffers: { soft: { bufferedBytes: 500 }, hard: { bufferedBytes: 850 } },
  delay: { soft: { loopDelayMs: 30 }, hard: { loopDelayMs: 100 } },
  utilisation: { soft: { utilisation: 0.75 }, hard: { utilisation: 0.97 } },
};

/** Reason → a reading just above the one at which hard may be left. */
const HOLDING: Readonly<Record<PressureReason, Partial<PressureSample>>> = {
  sockets: { openSockets: 960 },
  memory: { rssBytes: 870 },
  buffers: { bufferedBytes: 700 },
  delay: { loopDelayMs: 40 },
  utilisation: { utilisation: 0.9 },
};

for (const [reason, readings] of Object.entries(ENTERING)) {
  for (const level of ["soft", "hard"] as const) {
    test(`${reason} alone brings it to ${level}, and is named as the reason`, () => {
      const pressure = new Pressure();
      const isSteady = !["delay", "utilisation"].includes(reason);
      const changed = pressure.sample({ ...CALM, ...readings[level] });
      assert.equal(changed, isSteady, "one sample of what comes in bursts is not enough");
      assert.equal(pressure.sample({ ...CALM, ...readings[level] }), !isSteady);
      assert.deepEqual([pressure.level, pressure.reason], [level, reason]);
    });
  }
}

test("a single long turn of the loop changes nothing, however long", () => {
  const pressure = new Pressure();
  for (let i = 0; i < 50; i++) {
    assert.equal(pressure.sample({ ...CALM, loopDelayMs: i % 2 === 0 ? 5000 : 0, utilisation: (i + 1) % 2 }), false);
  }
  assert.equal(pressure.level, "normal");
});

test("a level is left when it has been calm for a while, from hard by way of what is still held", () => {
  const pressure = after([{ ...CALM, openSockets: 990 }]);
  const settling = { ...CALM, openSockets: 780 };
  for (let i = 1; i < CALM_SAMPLES.hard; i++) assert.equal(pressure.sample(settling), false);
  assert.equal(pressure.sample(settling), true);
  assert.deepEqual([pressure.level, pressure.reason], ["soft", "sockets"]);
  for (let i = 1; i < CALM_SAMPLES.soft; i++) assert.equal(pressure.sample(CALM), false);
  assert.equal(pressure.sample(CALM), true);
  assert.deepEqual([pressure.level, pressure.reason], ["normal", null]);
});

test("it falls to the highest level that was still held while it was calm", () => {
  const pressure = after([
    { ...CALM, openSockets: 990 },
    { ...CALM, openSockets: 780 },
  ]);
  for (let i = 1; i < CALM_SAMPLES.hard; i++) pressure.sample(CALM);
  assert.equal(pressure.level, "soft");
});

test("limits that are not known put nothing under pressure", () => {
  const unknown = { rssLimitBytes: Infinity, bufferedLimitBytes: Infinity, socketLimit: Infinity };
  const used = { ...CALM, ...unknown, rssBytes: 2 ** 40, bufferedBytes: 2 ** 40, openSockets: 2 ** 20 };
  assert.equal(after([used, used, used]).level, "normal");
});

test("it never leaves hard while any reading is above its threshold for that", () => {
  const holding = fc.constantFrom(...Object.values(HOLDING));
  fc.assert(
    fc.property(samples, fc.array(sample, { maxLength: 30 }), holding, (before, rest, held) => {
      // The first of what holds it is the second in a row.
      const pressure = after([...before, { ...CALM, ...held, openSockets: 990 }]);
      assert.equal(pressure.level, "hard");
      for (const one of rest) {
        pressure.sample({ ...one, ...held });
        assert.equal(pressure.level, "hard");
        assert.notEqual(pressure.reason, null);
      }
    }),
  );
});

test("worse readings never lead to a lower level than better ones from the same state", () => {
  const keys = ["loopDelayMs", "utilisation", "rssBytes", "bufferedBytes", "openSockets"] as const;
  fc.assert(
    fc.property(samples, sample, sample, (before, one, other) => {
      const worst = { ...one };
      for (const key of keys) worst[key] = Math.max(one[key], other[key]);
      const better = after(before);
      const worse = after(before);
      better.sample(one);
      worse.sample(worst);
      assert.ok(rank(worse.level) >= rank(better.level), `${worse.level} is lower than ${better.level}`);
    }),
    { numRuns: 2000 },
  );
});

test("whatever comes, it falls no more often than calm spells fit in, and says truly whether it has changed", () => {
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 200 }), (given) => {
      const pressure = new Pressure();
      let falls = 0;
      let sinceChange = 0;
      for (const one of given) {
        const before = pressure.level;
        sinceChange++;
        assert.equal(pressure.sample(one), pressure.level !== before);
        assert.equal(pressure.reason === null, pressure.level === "normal");
        if (pressure.level === before) continue;
        if (rank(pressure.level) < rank(before)) {
          falls++;
          assert.ok(sinceChange >= (before === "hard" ? CALM_SAMPLES.hard : CALM_SAMPLES.soft), "left in haste");
        }
        sinceChange = 0;
      }
      assert.ok(falls <= given.length / CALM_SAMPLES.hard);
    }),
    { numRuns: 500 },
  );
});

test("after any past, calm makes it normal within the two calm spells", () => {
  fc.assert(
    fc.property(samples, (before) => {
      const pressure = after(before);
      for (let i = 0; i < CALM_SAMPLES.hard + CALM_SAMPLES.soft; i++) pressure.sample(CALM);
      assert.equal(pressure.level, "normal");
    }),
  );
});
