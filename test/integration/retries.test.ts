/** A request that its upstream has not begun to work on is sent once more, and no oftener. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { constants, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { chat, configFor, post, startGateway } from "../support/gateway.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";

const CHAT = "/v1/chat/completions";
const ANSWER = '{"id":"c","choices":[]}';

test("the second try takes a new connection, not another idle one that may be dead as well", async () => {
  const held: (() => void)[] = [];
  await using upstream = await startScripted(({ socket, index }) => {
    const answer = (): void => void socket.write(response(200, ANSWER));
    if (index > 0) socket.destroy();
    else if (upstream.accepted > 2) answer();
    else if (held.push(answer) === 2) for (const one of held) one();
  });
  await using gateway = await startGateway(configFor(upstream.url));
  const ask = async (): Promise<number> => {
    const answer = await post(gateway.url + CHAT, chat());
    await answer.arrayBuffer();
    return answer.status;
  };
  assert.deepEqual(await Promise.all([ask(), ask()]), [200, 200]);
  assert.deepEqual([upstream.accepted, upstream.open.size], [2, 2]);
  assert.equal(await ask(), 200);
  assert.deepEqual([upstream.accepted, upstream.requests.length], [3, 4]);
  const line = await gateway.access(({ attempts }) => attempts > 1);
  assert.partialDeepStrictEqual(line, { attempts: 2, outcome: "completed" });
});

test("an upstream that refuses the second try, too, is not asked a third time", async (t) => {
  let asked = 0;
  const server = createServer();
  t.after(() => void server.close());
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    if (++asked <= 2) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    stream.respond({ ":status": 200, "content-type": "application/json" });
    stream.end(ANSWER);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await using gateway = await startGateway(configFor(`http://127.0.0.1:${port}`, { upstream: "http2: on" }));
  const answer = await post(gateway.url + CHAT, chat());
  assert.deepEqual([answer.status, answer.headers.get("x-headwaiter-error")], [502, "upstream_disconnected"]);
  assert.equal(asked, 2);
  assert.partialDeepStrictEqual(await gateway.access(), { attempts: 2, outcome: "upstream_failed" });
});
