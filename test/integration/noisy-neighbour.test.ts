/** What a tenant that stays within its share feels of another that offers fifty times its own, through a whole gateway. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keyDigest } from "../../src/tenants/key.ts";
import { chat, post } from "../support/gateway.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import { startSupervised } from "../support/supervised.ts";

/** What the upstream takes for an answer, milliseconds: long beside what a busy machine adds to it. */
const ANSWER_MS = 400;
const BURSTS = 2;
/** Of its share the loud tenant offers so many times as much. */
const NOISE = 50;
const TURN_MS = 20;

const after = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

const config = (
  url: string,
  slots: number,
  quietWeight: number,
): string => `server: { host: 127.0.0.1, port: 0, workers: 2 }
admin: { host: 127.0.0.1, port: 0 }
upstreams:
  up: { endpoints: [ { url: ${url}/v1 } ], max_concurrency: ${slots}, queue: { max_waiting: 200, max_wait: 10s } }
models:
  house: { upstream: up }
tenants:
  quiet: { keys: [ "sha256:${keyDigest("quiet")}" ], weight: ${quietWeight} }
  loud: { keys: [ "sha256:${keyDigest("loud")}" ] }
`;

async function ask(url: string, tenant: "quiet" | "loud", signal?: AbortSignal): Promise<Response> {
  const answer = await post(`${url}/v1/chat/completions`, chat({ model: "house" }), {
    headers: { authorization: `Bearer ${tenant}` },
    ...(signal === undefined ? {} : { signal }),
  });
  await answer.text();
  return answer;
}

/** Bursts, each once all of the one before are answered. @returns the wait that 99 of 100 stayed within, milliseconds. */
async function waitOfQuiet(url: string, size: number): Promise<number> {
  const waits: number[] = [];
  for (let burst = 0; burst < BURSTS; burst++) {
    const answers = await Promise.all(Array.from({ length: size }, () => ask(url, "quiet")));
    for (const { status, headers } of answers) {
      assert.equal(status, 200);
      waits.push(Number(headers.get("x-headwaiter-queue-ms")));
    }
  }
  return waits.sort((a, b) => a - b)[Math.ceil(waits.length * 0.99) - 1]!;
}

/** Sends what comes to `perSecond`, answered or not, until `left`. @returns how many came to the upstream and back. */
async function beLoud(url: string, perSecond: number, left: AbortSignal): Promise<number> {
  let served = 0;
  const asked: Promise<void>[] = [];
  const one = async (): Promise<void> => {
    try {
      if ((await ask(url, "loud", left)).status === 200) served++;
    } catch {
      assert.ok(left.aborted);
    }
  };
  const startMs = performance.now();
  while (!left.aborted) {
    while (asked.length < ((performance.now() - startMs) / 1000) * perSecond) asked.push(one());
    await after(TURN_MS);
  }
  await Promise.all(asked);
  return served;
}

interface Case {
  readonly what: string;
  readonly slots: number;
  /** That it has to itself when it is alone. */
  readonly slotsAlone: number;
  readonly quietWeight: number;
  /** Requests that it sends at once: of them the last ones wait for several answers, else there would be nothing to compare. */
  readonly burst: number;
}

const CASES: readonly Case[] = [
  { what: "has on its own share of the slots", slots: 2, slotsAlone: 1, quietWeight: 1, burst: 6 },
  { what: "with four fifths of the weight has on all slots", slots: 4, slotsAlone: 4, quietWeight: 4, burst: 20 },
];

describe("beside a tenant that offers fifty times its share", { concurrency: true }, () => {
  for (const { what, slots, slotsAlone, quietWeight, burst } of CASES) {
    test(`p99 of another's wait stays under twice of what it ${what}`, async () => {
      await using upstream = await startScripted(async ({ socket }) => {
        await after(ANSWER_MS);
        socket.write(response(200, "{}"));
      });
      let aloneMs: number;
      {
        await using gateway = await startSupervised(config(upstream.url, slotsAlone, quietWeight));
        aloneMs = await waitOfQuiet(gateway.url, burst);
      }
      await using gateway = await startSupervised(config(upstream.url, slots, quietWeight));
      const share = slots / (ANSWER_MS / 1000) / (1 + quietWeight);
      const end = new AbortController();
      // Also where an assertion fails meanwhile.
      using _ = { [Symbol.dispose]: () => end.abort() };
      const loud = beLoud(gateway.url, NOISE * share, end.signal);
      // Until its queue is as long as it gets.
      await after(1000);
      const besideMs = await waitOfQuiet(gateway.url, burst);
      end.abort();
      const served = await loud;
      assert.ok(aloneMs > 2.9 * ANSWER_MS, `${aloneMs} ms alone`);
      assert.ok(served > 0);
      assert.ok(besideMs < 2 * aloneMs, `${besideMs} ms, ${aloneMs} alone`);
    });
  }
});
