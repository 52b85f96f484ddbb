import assert from "node:assert/strict";
import { test } from "node:test";
import { Lease } from "../../../src/core/lease.ts";

class Counted extends Lease {
  given = 0;
  whenGiven: () => void = () => {};

  protected override giveBack(): void {
    this.given++;
    this.whenGiven();
  }
}

test("a lease is given back once, however often it is released", () => {
  const lease = new Counted();
  assert.equal(lease.held, true);
  assert.equal(lease.given, 0);
  lease.release();
  lease.release();
  lease[Symbol.dispose]();
  assert.equal(lease.given, 1);
  assert.equal(lease.held, false);
});

test("what giving back sets off cannot give it back again", () => {
  const lease = new Counted();
  lease.whenGiven = () => lease.release();
  lease.release();
  assert.equal(lease.given, 1);
});

test("a scope that holds a lease with `using` gives it back on the way out, an exception included", () => {
  const lease = new Counted();
  assert.throws(() => {
    using held = lease;
    throw new Error(`held: ${held.held}`);
  }, /held: true/);
  assert.equal(lease.given, 1);
});
