/** The HTTP/2 transport's invariants over random frames, writes and pauses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { FixtureEndpoint } from "../unit/upstream/http2/fixture-endpoint.ts";
import { FRAME, RawPeer, data, ok, settings } from "../unit/upstream/http2/raw-peer.ts";

/** Stays below one window a stream and the peer's default window, so that the peer may send without looking. */
const MAX_TOTAL_BYTES = 120_000;

test("delivers every byte once and in order, flushes after body, ends last: any frames, any writes, any pauses", async () => {
  await using peer = await RawPeer.listen(settings(100));
  using endpoint = new FixtureEndpoint(peer.url, { maxConnections: 1, maxSessionStreams: 1_000_000 });
  let nextStream = 1;
  let value = 0;
  const sizes = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 300 }) },
    fc.integer({ min: 0, max: 16_384 }),
  );
  const step = fc.record({
    stream: fc.nat({ max: 2 }),
    sizeBytes: sizes,
    /** Bytes of this and earlier frames that stay behind until the next write. */
    cutBytes: fc.nat({ max: 40 }),
    pause: fc.constantFrom("pause", "resume", "nothing", "nothing"),
  });
  const run = async (
    steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
    endWithData: boolean,
  ) => {
    const begun = [endpoint.begin(), endpoint.begin(), endpoint.begin()];
    const ids = begun.map((_, at) => nextStream + at * 2);
    nextStream += 6;
    const connection = await peer.connection(0);
    await connection.received(FRAME.HEADERS, ids[2]!);
    const expected: Buffer[][] = [[], [], []];
    const total = [0, 0, 0];
    let rest = Buffer.concat(ids.map((id) => ok(id)));
    for (const { stream, sizeBytes, cutBytes, pause } of steps) {
      if (total[stream]! + sizeBytes > MAX_TOTAL_BYTES) continue;
      total[stream]! += sizeBytes;
      const bytes = Buffer.alloc(sizeBytes);
      for (let at = 0; at < sizeBytes; at++) bytes[at] = value++;
      expected[stream]!.push(bytes);
      rest = Buffer.concat([rest, data(ids[stream]!, bytes)]);
      const written = Math.max(0, rest.length - cutBytes);
      await new Promise((resolve) => connection.socket.write(rest.subarray(0, written), resolve));
      rest = rest.subarray(written);
      if (pause !== "nothing") begun[stream]!.exchange[pause]();
    }
    for (const { exchange } of begun) exchange.resume();
    for (const [at, id] of ids.entries()) {
      if (endWithData) expected[at]!.push(Buffer.from("end"));
      rest = Buffer.concat([rest, data(id, endWithData ? "end" : "", { end: true })]);
    }
    connection.send(rest);
    await Promise.all(begun.map(({ sink }) => sink.heard("end")));
    for (const [at, { sink }] of begun.entries()) {
      assert.ok(sink.body.equals(Buffer.concat(expected[at]!)));
      assert.match(sink.calls.join(" "), /^sent head (?:(?:body )+flush )*end$/);
    }
    assert.equal(endpoint.outstanding, 0);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), run), { numRuns: 120 });
});
