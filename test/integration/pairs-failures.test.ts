/** What goes wrong behind the gateway reaches every official SDK as an error of its own, and who leaves is gone at once. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, suite, test } from "node:test";
import { startPair, startPairs } from "../support/pairs.ts";
import type { PairRow } from "../support/pairs.ts";
import type { PairClient, SeenError } from "../support/pairs/client.ts";
import type { Scene } from "../support/pairs/scene.ts";
import { UPSTREAMS } from "../support/pairs/upstreams.ts";
import { chunk, LAST_CHUNK, response, STREAM_HEAD } from "../support/scripted-upstream.ts";

let rows: readonly PairRow[];
before(async () => {
  rows = await startPairs();
});
after(async () => {
  for (const row of rows) await row[Symbol.asyncDispose]();
});

const MESSAGE = "the provider's own words";
const SCENE: Scene = { text: ["half an ", "answer"], stop: "stop" };

type Failure = (row: PairRow, client: PairClient) => Promise<void>;

/** An upstream's status, and the status that the SDK sees. */
function status(upstreamStatus: number, seenStatus: number): Failure {
  return async ({ api, script }, client) => {
    script(({ socket }) => void socket.write(response(upstreamStatus, api.errorBody(upstreamStatus, MESSAGE))));
    for (const stream of [false, true]) {
      const error = await seenError(client, stream);
      assert.deepEqual([error.name, error.status], [client.classes[seenStatus], seenStatus]);
      assert.match(error.message, new RegExp(MESSAGE));
    }
  };
}

async function seenError(client: PairClient, stream: boolean): Promise<SeenError> {
  return client.ask({ text: "Hi" }, stream).then(
    () => assert.fail("no error"),
    (thrown: unknown) => client.seen(thrown),
  );
}

/** Nobody is let through to the upstream after it, so each has a gateway of its own. */
const rateLimited: Failure = async ({ api }, { name }) => {
  for (const stream of [false, true]) {
    await using row = await startPair(api);
    const client = row.clients.find((one) => one.name === name)!;
    const headers = { "retry-after": "7" };
    row.script(({ socket }) => void socket.write(response(429, api.errorBody(429, MESSAGE), headers)));
    const error = await seenError(client, stream);
    assert.deepEqual([error.name, error.status], [client.classes[429], 429]);
    assert.match(error.message, new RegExp(MESSAGE));
    // Google's shows its users no headers.
    assert.equal(error.retryAfter, name === "google" ? undefined : "7");
  }
};

/** The answer begins, and then comes `rest`; or the connection breaks, where that is nothing. */
function afterHalf(rest: (row: PairRow) => string | undefined, expected: RegExp): Failure {
  return async (row, client) => {
    const { api, script } = row;
    // Up to the first piece of text.
    const events = api.events(SCENE);
    const begin = events.slice(0, events.findIndex((event) => event.includes("half an ")) + 1);
    const more = rest(row);
    script(({ socket }) => {
      socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), ...begin.map((event) => chunk(event))]));
      if (more === undefined) setImmediate(() => socket.destroy());
      else socket.write(Buffer.concat([chunk(more), Buffer.from(LAST_CHUNK)]));
    });
    let text = "";
    const error = await client.ask({ text: "Hi", onText: (piece) => void (text += piece) }, true).then(
      (reply) => assert.fail(`no error but ${JSON.stringify(reply)}`),
      (thrown: unknown) => client.seen(thrown),
    );
    assert.equal(text, "half an ");
    assert.equal(error.name, client.classes[0]);
    assert.match(error.message, expected);
  };
}

/** The client leaves in the middle of the stream: the upstream's connection is closed. */
const abort: Failure = async ({ api, script, upstream }, client) => {
  const events = api.events(SCENE);
  const begin = events.slice(0, events.findIndex((event) => event.includes("half an ")) + 1);
  const closed = new Promise<void>((resolve) => {
    script(({ socket }) => {
      socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), ...begin.map((event) => chunk(event))]));
      void once(socket, "close").then(() => resolve());
    });
  });
  const asked = upstream.requests.length;
  const controller = new AbortController();
  const onText = (): void => controller.abort();
  await assert.rejects(async () => {
    await client.ask({ text: "Hi", signal: controller.signal, onText }, true);
    // Vercel's ends the text where it was left.
    controller.signal.throwIfAborted();
  });
  await closed;
  assert.equal(upstream.requests.length, asked + 1);
};

const FAILURES: readonly (readonly [name: string, failure: Failure])[] = [
  ["401, which speaks of the gateway's key, is 502", status(401, 502)],
  ["404", status(404, 404)],
  ["429 with retry-after", rateLimited],
  ["500", status(500, 500)],
  ["a connection that breaks in the middle", afterHalf(() => undefined, /closed the connection/)],
  ["an end that HTTP calls complete and the API does not", afterHalf(() => ": bye\n\n", /closed the connection/)],
  [
    "an error that the upstream reports in its stream",
    afterHalf(({ api }) => api.errorEvent(MESSAGE), RegExp(MESSAGE)),
  ],
  ["abort", abort],
];

for (const [place, { dialect }] of UPSTREAMS.entries()) {
  suite(`an upstream that speaks ${dialect}`, () => {
    for (const [name, failure] of FAILURES) {
      test(name, async (t) => {
        const row = rows[place]!;
        for (const client of row.clients) await t.test(client.name, () => failure(row, client));
      });
    }
  });
}
