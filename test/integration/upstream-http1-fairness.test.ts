/** One connection with much to say must not hold up those with little. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ExchangeRecorder, TestHttp1Endpoint } from "../support/exchange-recorder.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";

const READ_BYTES = 64 * 1024;
const BODY_BYTES = 16 * 1024 * 1024;

test("a connection gets one read buffer a turn, however much waits on it, and every byte arrives", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(response(200, Buffer.alloc(BODY_BYTES, "x")));
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder();
  recorder.keepsBody = false;
  let turnStartBytes = 0;
  let mostInOneTurn = 0;
  let turnEnds = false;
  recorder.hook = (call) => {
    if (call !== "flush") return;
    mostInOneTurn = Math.max(mostInOneTurn, recorder.bodyBytes - turnStartBytes);
    if (turnEnds) return;
    turnEnds = true;
    setImmediate(() => {
      turnEnds = false;
      turnStartBytes = recorder.bodyBytes;
    });
  };
  recorder.open(endpoint);
  assert.equal(await recorder.ended(), "end");
  assert.equal(recorder.bodyBytes, BODY_BYTES);
  assert.ok(mostInOneTurn <= READ_BYTES, `${mostInOneTurn} bytes in one turn`);
  assert.deepEqual(recorder.violations, []);
});

test("a pause in the middle of a flood holds, and the flood goes on after it", async () => {
  await using upstream = await startScripted(({ socket }) => {
    socket.write(response(200, Buffer.alloc(BODY_BYTES, "x")));
  });
  using endpoint = new TestHttp1Endpoint(upstream.url);
  const recorder = new ExchangeRecorder();
  recorder.keepsBody = false;
  recorder.open(endpoint);
  await recorder.until(() => recorder.bodyBytes > 0);
  recorder.exchange?.pause();
  const before = recorder.bodyBytes;
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(recorder.bodyBytes <= before + READ_BYTES, `${recorder.bodyBytes - before} bytes after the pause`);
  recorder.exchange?.resume();
  assert.equal(await recorder.ended(), "end");
  assert.equal(recorder.bodyBytes, BODY_BYTES);
});
