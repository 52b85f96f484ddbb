import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";

import { LeastOutstanding } from "../../../src/balance/least-outstanding.ts";

test("never picks a replica while another has fewer requests under way", () => {
  const loads = fc.array(fc.nat(20), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(loads, fc.nat(30), (outstanding, picks) => {
      const replicas = outstanding.map((count) => ({ outstanding: count }));
      const picker = new LeastOutstanding(replicas);
      for (let i = 0; i <= picks; i++) {
        const least = Math.min(...replicas.map((replica) => replica.outstanding));
        const picked = picker.pick();
        assert.equal(picked.outstanding, least);
        picked.outstanding++;
      }
    }),
  );
});

test("shares requests evenly among equals, also when each ends before the next begins", () => {
  const replicas = [0, 1, 2, 3].map(() => ({ outstanding: 0, served: 0 }));
  const picker = new LeastOutstanding(replicas);
  for (let i = 0; i < 400; i++) picker.pick().served++;
  assert.deepEqual(
    replicas.map((replica) => replica.served),
    [100, 100, 100, 100],
  );
});
