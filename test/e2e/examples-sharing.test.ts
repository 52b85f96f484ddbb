/** The examples in which several share: they start as they are written, and do what their READMEs say. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { startSim } from "../../src/sim/server.ts";
import { curlMissing, runCurl } from "../support/curl.ts";
import { chat, post } from "../support/gateway.ts";
import { codeBlocks, readText, ROOT } from "../support/markdown.ts";
import { noRedis, startRedis } from "../support/redis.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import type { ReceivedRequest } from "../support/scripted-upstream.ts";
import { startSupervised } from "../support/supervised.ts";
import { waitUntil } from "../support/wait-until.ts";
import { temporaryDirectory } from "../unit/config/temporary-directory.ts";

const TOKENS = 5;
const USAGE = '{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';
const ANSWERED = /\{0@\d+\}.*\{4@\d+\}/s;

interface Written {
  /** To be started: as it is written, but for what it listens on and talks to, and where it keeps its keys. */
  readonly yaml: string;
  readonly curls: readonly string[];
  /** Runs a `keys` command. @returns its stdout. */
  readonly keys: (...args: string[]) => Promise<string>;
  /** As the README makes it. */
  readonly readmesKey: () => Promise<string>;
}

/** @param addresses what is in the file → what is to be there. */
function readExample(context: TestContext, name: string, addresses: Readonly<Record<string, string>>): Written {
  const directory = temporaryDirectory(context);
  const places = `server: { host: 127.0.0.1, port: 0, workers: 2 }\nadmin: { host: 127.0.0.1, port: 0 }\n`;
  let yaml = readText(`examples/${name}/headwaiter.yaml`).replaceAll("${OPENAI_API_KEY}", "sk-example");
  for (const [written, used] of Object.entries(addresses)) {
    assert.ok(yaml.includes(written), written);
    yaml = yaml.replaceAll(written, used);
  }
  const path = `path: ${join(directory, "kept")}`;
  yaml = yaml.includes("store:\n") ? yaml.replace("store:\n", `store:\n  ${path}\n`) : `${yaml}store: { ${path} }\n`;
  yaml = places + yaml;
  const file = join(directory, "headwaiter.yaml");
  writeFileSync(file, yaml);
  const blocks = codeBlocks(readText(`examples/${name}/README.md`));
  const shell = blocks.filter(({ language }) => language === "sh").map(({ text }) => text.trim());
  const keys = async (...args: string[]): Promise<string> => {
    const command = [`${ROOT}src/main.ts`, "keys", ...args, "--config", file];
    return (await promisify(execFile)(process.execPath, command)).stdout.trim();
  };
  const [, made] = /^export KEY=\$\(npm start --silent -- keys (create .*) --config \S+\)$/m.exec(shell.join("\n"))!;
  return {
    yaml,
    curls: shell.filter((text) => text.startsWith("curl ")),
    keys,
    readmesKey: () => keys(...made!.split(" ")),
  };
}

/** Asks again and again until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!(await isSo())) assert.ok(performance.now() < endMs, "did not come true");
}

const bearer = (key: string, id = ""): RequestInit => ({
  headers: { authorization: `Bearer ${key}`, ...(id === "" ? {} : { "x-request-id": id }) },
});

test("examples/tenants: the README's key is taken by its requests, until it is revoked", async (t) => {
  if (curlMissing !== false) return t.skip(curlMissing);
  const sim = await startSim({ ttftMs: 0, gapMs: 1, tokens: TOKENS });
  t.after(() => sim.close());
  const { yaml, curls, keys, readmesKey } = readExample(t, "tenants", { "http://127.0.0.1:8001": sim.url.origin });
  await using running = await startSupervised(yaml);
  const key = await readmesKey();
  const models = async (): Promise<number> => (await fetch(`${running.url}/v1/models`, bearer(key))).status;
  await until(async () => (await models()) === 200);
  assert.equal(curls.length, 2);
  for (const curl of curls) {
    const answer = await runCurl(curl.replaceAll("$KEY", key), running.url);
    assert.match(answer, /^HTTP\/1\.1 200 /, curl);
    assert.match(answer, ANSWERED, curl);
    assert.match(answer, /^x-headwaiter-queue-ms: \d/im);
    assert.match(answer, /^(?:x|anthropic)-ratelimit-(?:remaining-tokens|tokens-remaining): 49\d{4}\r$/im);
  }
  assert.match(await keys("list", "--tenant", "search"), /^\w{8} +search +active/m);
  await keys("revoke", key);
  await until(async () => (await models()) === 401);
});

test("examples/tenants: who pays for three slots gets them, and the nightly work goes when nobody waits", async (t) => {
  const held: ReceivedRequest[] = [];
  await using upstream = await startScripted((request) => void held.push(request));
  const { yaml, keys } = readExample(t, "tenants", { "http://127.0.0.1:8001": upstream.url });
  const names = ["search", "support", "nightly"] as const;
  const made = await Promise.all(names.map((tenant) => keys("create", "--tenant", tenant)));
  await using running = await startSupervised(yaml);
  const asked: Promise<Response>[] = [];
  const ask = (tenant: number, id: string): void => {
    const body = chat({ model: "house", max_tokens: 100 });
    asked.push(post(`${running.url}/v1/chat/completions`, body, bearer(made[tenant]!, id)));
  };
  for (let i = 0; i < 8; i++) ask(2, `nightly-first-${i}`);
  await waitUntil(() => held.length === 8);
  const waiting = (count: number): Promise<void> =>
    until(async () =>
      (await running.gateway.metrics()).includes(`headwaiter_queue_waiting{upstream="gpus"} ${count}\n`),
    );
  for (let i = 0; i < 4; i++) ask(2, `nightly-${i}`);
  await waiting(4);
  for (let i = 0; i < 6; i++) {
    ask(0, `search-${i}`);
    ask(1, `support-${i}`);
  }
  await waiting(16);
  const answer = (request: ReceivedRequest): void => void request.socket.write(response(200, USAGE));
  const others = held.splice(1);
  const order: string[] = [];
  // One slot goes round, so that requests come in the order in which they were let in.
  for (let i = 0; i < 16; i++) {
    answer(held.shift()!);
    await waitUntil(() => held.length === 1);
    order.push(held[0]!.header("x-request-id")!.split("-")[0]!);
  }
  for (const last of [...held, ...others]) answer(last);
  for (const one of asked) assert.equal((await one).status, 200);
  assert.deepEqual(
    order.slice(12),
    Array.from({ length: 4 }, () => "nightly"),
  );
  const search = order.slice(0, 8).filter((tenant) => tenant === "search").length;
  assert.ok(search >= 5, order.join(" "));
});

test("examples/tenants: the sixth request of the trial is refused, and told why and until when", async (t) => {
  await using upstream = await startScripted(({ socket }) => void socket.write(response(200, USAGE)));
  const { yaml, keys } = readExample(t, "tenants", { "http://127.0.0.1:8001": upstream.url });
  const key = await keys("create", "--tenant", "trial");
  await using running = await startSupervised(yaml);
  const ask = (): Promise<Response> =>
    post(`${running.url}/v1/chat/completions`, chat({ model: "house", max_tokens: 10 }), bearer(key));
  for (let i = 0; i < 5; i++) assert.equal((await ask()).status, 200);
  const refused = await ask();
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  assert.match(await refused.text(), /Tenant trial has 5 requests per minute/);
});

test("examples/two-gateways: a limit holds over both", { skip: noRedis() || curlMissing }, async (t) => {
  await using redis = await startRedis();
  const sim = await startSim({ ttftMs: 0, gapMs: 1, tokens: TOKENS });
  t.after(() => sim.close());
  const addresses = { "https://api.openai.com": sim.url.origin, "redis://127.0.0.1:6379": redis.url };
  const { yaml, curls, readmesKey } = readExample(t, "two-gateways", addresses);
  const key = await readmesKey();
  await using one = await startSupervised(yaml);
  await using two = await startSupervised(yaml);
  assert.equal(curls.length, 2);
  for (const [i, { url }] of [one, two].entries()) {
    const curl = curls[i]!.replace(`:${8080 + i}/`, ":8080/").replace("$KEY", key);
    // On a machine that has too much to do Redis may once be late.
    await until(async () => ANSWERED.test(await runCurl(curl, url)));
  }
  const body = chat({ model: "gpt-5-mini", max_tokens: 5 });
  const ask = (url: string): Promise<Response> => post(`${url}/v1/chat/completions`, body, bearer(key));
  const statuses: number[] = [];
  // One after the other, since no more than ten may be under way.
  for (let i = 0; i < 30; i++) {
    const answer = await ask(i % 2 === 0 ? one.url : two.url);
    await answer.text();
    statuses.push(answer.status);
  }
  const served = statuses.filter((status) => status === 200).length;
  assert.ok(served > 0 && served <= 18, statuses.join(" "));
  assert.ok(statuses.includes(429), statuses.join(" "));
});
