/** A stream that is translated is over with its error event, whatever its upstream does behind it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { post } from "../support/gateway.ts";
import { startPair } from "../support/pairs.ts";
import { UPSTREAMS } from "../support/pairs/upstreams.ts";
import { chunk, STREAM_HEAD } from "../support/scripted-upstream.ts";

const MESSAGE = "the provider's own words";
const MESSAGES = [{ role: "user", content: "Hi" }];
const CONTENTS = { contents: [{ role: "user", parts: [{ text: "Hi" }] }] };

/** Every API in which a stream can be asked for, and how. */
const FRONTS: readonly (readonly [dialect: string, path: string, body: object])[] = [
  ["openai", "/v1/chat/completions", { model: "x", stream: true, messages: MESSAGES }],
  ["openai", "/v1/responses", { model: "x", stream: true, input: "Hi" }],
  ["anthropic", "/v1/messages", { model: "x", stream: true, max_tokens: 100, messages: MESSAGES }],
  ["gemini", "/v1beta/models/x:streamGenerateContent?alt=sse", CONTENTS],
  ["gemini", "/v1beta/models/x:streamGenerateContent", CONTENTS],
];

for (const api of UPSTREAMS) {
  test(`an error of ${api.dialect}'s ends the stream and gives up the upstream, which keeps its own open`, async () => {
    // The next request is refused unless the slot of the one before is free.
    await using row = await startPair(api, "", "max_concurrency: 1\nqueue: { max_waiting: 0 }");
    const { gateway, script } = row;
    const events = api.events({ text: ["half an ", "answer"], stop: "stop" });
    const begin = events.slice(0, events.findIndex((event) => event.includes("half an ")) + 1);
    const sent = [...begin, api.errorEvent(MESSAGE)].map((event) => chunk(event));
    for (const [dialect, path, body] of FRONTS) {
      if (dialect === api.dialect) continue;
      const closed = new Promise<void>((resolve) => {
        script(({ socket }) => {
          socket.write(Buffer.concat([Buffer.from(STREAM_HEAD), ...sent]));
          void once(socket, "close").then(() => resolve());
        });
      });
      const answer = await post(gateway.url + path, JSON.stringify(body), { signal: AbortSignal.timeout(10_000) });
      assert.equal(answer.status, 200, path);
      assert.match(await answer.text(), new RegExp(`half an [^]*${MESSAGE}`));
      await closed;
      const line = await gateway.access(
        ({ route }) => route === new URL(path, gateway.url).pathname.replace("/x:", "/{model}:"),
      );
      assert.partialDeepStrictEqual(line, { outcome: "upstream_cut", code: "upstream_error" });
    }
  });
}
