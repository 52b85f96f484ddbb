/** Our parser beside node:http's client (llhttp): never more lenient, and the same answer from what both take. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as assertProperty, asyncProperty, property } from "fast-check";
import { mutatedResponse, pieces, validResponse } from "./arbitrary-response.ts";
import { nodeView } from "./node-client.ts";
import { parseCut } from "./parse.ts";

/** The same responses every time: a find here is a change of the code or of Node, not luck. */
const SEED = 20_240_711;

test("reads every valid response as node's client does, however it is cut", async () => {
  await assertProperty(
    asyncProperty(validResponse, async ({ bytes, cuts }) => {
      const ours = parseCut(bytes, cuts);
      const theirs = await nodeView(pieces(bytes, cuts));
      const { outcome, status, headers, body } = ours;
      assert.deepEqual({ outcome, status, headers, body }, theirs);
      assert.equal(outcome, "complete");
      assert.equal(ours.consumed, bytes.length);
    }),
    { numRuns: 1000, seed: SEED },
  );
});

test("accepts nothing that node's client refuses, and reads what it accepts the same way", async () => {
  let accepted = 0;
  let refused = 0;
  await assertProperty(
    asyncProperty(mutatedResponse, async ({ bytes, cuts }) => {
      const ours = parseCut(bytes, cuts);
      if (ours.outcome !== "complete") {
        refused++;
        return;
      }
      accepted++;
      // What follows is a surplus, for which we close the connection.
      const answer = bytes.subarray(0, ours.consumed);
      const { outcome, status, headers, body } = ours;
      assert.deepEqual({ outcome, status, headers, body }, await nodeView([answer]));
    }),
    { numRuns: 3000, seed: SEED },
  );
  assert.ok(accepted > 300 && refused > 300, `${accepted} accepted, ${refused} refused`);
});

test("says the same of a response wherever the reads are cut", () => {
  assertProperty(
    property(mutatedResponse, ({ bytes, cuts }) => {
      const whole = parseCut(bytes, []);
      const cut = parseCut(bytes, cuts);
      assert.equal(cut.outcome, whole.outcome);
      // A fault may be seen in the read that holds the body before it, or after; what is complete is the same.
      if (whole.outcome === "complete") assert.deepEqual(cut, whole);
    }),
    { numRuns: 2000, seed: SEED },
  );
});
