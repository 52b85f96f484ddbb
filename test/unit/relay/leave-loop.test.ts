import assert from "node:assert/strict";
import { test } from "node:test";
import { openai } from "../../../src/dialects/openai/dialect.ts";
import { Call } from "../../../src/relay/call.ts";
import type { Client } from "../../../src/relay/client.ts";
import type { Identity } from "../../../src/tenants/identity.ts";
import { leaveLoop } from "../../../src/relay/leave-loop.ts";
import { configFor, startGateway } from "../../support/gateway.ts";
import type { TestGateway } from "../../support/gateway.ts";
import { waitUntil } from "../../support/wait-until.ts";
import type { FaultyTasks } from "../offload/faulty-thread.ts";
import { TestPool } from "../offload/test-pool.ts";

/** A call that nobody has sent, and what it was answered. */
class Scene {
  readonly answers: number[] = [];
  readonly call: Call;

  constructor(gateway: TestGateway) {
    const client: Client = {
      receive() {},
      answer: (status) => void this.answers.push(status),
      begin: () => {
        throw new Error("nothing is to be streamed");
      },
    };
    this.call = new Call({
      id: "call",
      identity: gateway.loop.keys.identify(undefined, 0) as Identity,
      priority: "interactive",
      kind: { kind: "pass", dialect: openai, route: "/v1/chat/completions", path: "/chat/completions" },
      client,
      runtime: () => gateway.loop.runtime,
      forwardHeaders: [],
      onSettled() {},
    });
  }

  /** Leaves the loop for `task`, and resolves once the call goes on (`true`) or has ended (`false`). */
  async leave(pool: TestPool, task: keyof FaultyTasks, deadlineMs = 20_000): Promise<boolean> {
    let goesOn = false;
    const input = { ms: 60_000 } as never;
    const next = (): void => void (goesOn = true);
    leaveLoop(this.call, { pool: pool.pool, task, input, sizeBytes: 1, deadlineMs, next });
    await waitUntil(() => goesOn || this.call.settled);
    return goesOn;
  }
}

async function scene(): Promise<{ gateway: TestGateway; scene: Scene }> {
  const gateway = await startGateway(configFor("http://127.0.0.1:9"));
  return { gateway, scene: new Scene(gateway) };
}

test("a task that succeeds hands on, and the call is busy with nothing any more", async () => {
  const made = await scene();
  await using _ = made.gateway;
  await using pool = new TestPool();
  const going = made.scene.leave(pool, "echo");
  assert.notEqual(made.scene.call.work, null);
  assert.equal(await going, true);
  assert.deepEqual([made.scene.call.work, made.scene.answers], [null, []]);
});

for (const [what, task, status, code, outcome] of [
  ["is late", "spin", 503, "overloaded", "refused"],
  ["throws", "throw", 500, "internal", "internal"],
  ["kills its thread", "exit", 500, "internal", "internal"],
] as const) {
  test(`a task that ${what} ends the call as ${code}, and no other`, async () => {
    const made = await scene();
    await using _ = made.gateway;
    await using pool = new TestPool();
    const { call, answers } = made.scene;
    assert.equal(await made.scene.leave(pool, task, task === "spin" ? 30 : 20_000), false);
    assert.deepEqual([answers, call.code, call.outcome], [[status], code, outcome]);
    assert.equal(await new Scene(made.gateway).leave(pool, "echo"), true);
  });
}

test("where there is no room the call is refused at once", async () => {
  const made = await scene();
  await using _ = made.gateway;
  await using pool = new TestPool({ maxQueuedTasks: 0 });
  const blocked = new Scene(made.gateway).leave(pool, "spin", 100);
  await made.scene.leave(pool, "echo");
  assert.deepEqual([made.scene.answers, made.scene.call.code], [[503], "overloaded"]);
  await blocked;
});

test("a pool that closes ends the call as draining", async () => {
  const made = await scene();
  await using _ = made.gateway;
  const pool = new TestPool();
  const leaving = made.scene.leave(pool, "spin");
  await pool[Symbol.asyncDispose]();
  await leaving;
  assert.deepEqual([made.scene.answers, made.scene.call.outcome], [[503], "drained"]);
});

test("a step that throws after the task ends the call alone", async () => {
  const made = await scene();
  await using _ = made.gateway;
  await using pool = new TestPool();
  const { call } = made.scene;
  leaveLoop(call, {
    pool: pool.pool,
    task: "echo",
    input: {},
    sizeBytes: 1,
    deadlineMs: 20_000,
    next: () => {
      throw new Error("in the next phase");
    },
  });
  await waitUntil(() => call.settled);
  assert.deepEqual([made.scene.answers, call.outcome], [[500], "internal"]);
});
