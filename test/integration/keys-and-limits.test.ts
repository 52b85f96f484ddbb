/** Keys that come and go while they are in use, over a whole gateway. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { KeyStore } from "../../src/tenants/key-store.ts";
import { keyDigest } from "../../src/tenants/key.ts";
import { chat, post, snapshotOf } from "../support/gateway.ts";
import { STREAM_HEAD, chunk, startScripted, tokenEvent } from "../support/scripted-upstream.ts";
import { startSupervised } from "../support/supervised.ts";
import { waitUntil } from "../support/wait-until.ts";

const OTHER = "another-key";

test("what a revoked key still has under way is not given back to whoever has its place after a reload", async () => {
  const directory = mkdtempSync(join(tmpdir(), "headwaiter-keys-"));
  const store = new KeyStore(directory);
  try {
    const { key, stored } = store.create({ tenant: "acme", models: undefined, expiresAtMs: undefined }, Date.now());
    await using upstream = await startScripted(
      ({ socket }) => void socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString()),
    );
    const yaml = `server: { port: 0, workers: 1, drain_timeout: 100ms }
admin: { port: 0 }
store: { path: ${JSON.stringify(directory)} }
upstreams:
  up: { endpoints: [ { url: ${upstream.url}/v1 } ] }
models:
  house: { upstream: up }
tenants:
  acme: { key_limits: { max_concurrency: 1 } }
`;
    await using running = await startSupervised(yaml);
    const { gateway } = running;
    const ask = (credential: string, signal?: AbortSignal): Promise<Response> =>
      post(`${running.url}/v1/chat/completions`, chat({ model: "house", stream: true }), {
        headers: { authorization: `Bearer ${credential}` },
        ...(signal === undefined ? {} : { signal }),
      });
    const leaving = new AbortController();
    const first = await ask(key, leaving.signal);
    assert.equal(first.status, 200);
    store.revoke(stored.id, Date.now());
    const headers = { "x-api-key": key };
    for (let status = 200; status !== 401;) ({ status } = await fetch(`${running.url}/v1/models`, { headers }));
    running.next = snapshotOf(yaml.replace("acme: {", `acme: { keys: [ "sha256:${keyDigest(OTHER)}" ],`));
    assert.deepEqual(await gateway.reload(), []);
    leaving.abort();
    await waitUntil(() => gateway.calls === 0);
    const answers = [await ask(OTHER), await ask(OTHER)];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 429],
    );
    await answers[0]!.body!.cancel();
  } finally {
    store.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
