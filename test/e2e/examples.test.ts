/** Every example starts as it is written, and its README's requests stream through it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { startSim } from "../../src/sim/server.ts";
import type { Sim } from "../../src/sim/server.ts";
import { curlMissing, runCurl } from "../support/curl.ts";
import { post, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { codeBlocks, readText, ROOT } from "../support/markdown.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Whose clients have keys: examples-sharing.test.ts. */
const SHARED = new Set(["tenants", "two-gateways"]);
const EXAMPLES = readdirSync(`${ROOT}examples`).filter((name) => !SHARED.has(name));
const TOKENS = 5;
/** What only a stream of the example's own API holds. */
const NATIVE: Readonly<Record<string, RegExp>> = {
  anthropic: /event: content_block_delta\r?\n/,
  gemini: /"candidates":/,
  "local-vllm": /"chat\.completion\.chunk"/,
  openai: /"chat\.completion\.chunk"/,
  "vercel-ai": /"chat\.completion\.chunk"/,
};
const KEYS = { OPENAI_API_KEY: "sk-example", ANTHROPIC_API_KEY: "sk-ant-example", GEMINI_API_KEY: "example" };

interface RunningExample extends AsyncDisposable {
  readonly gateway: TestGateway;
  /** One for each endpoint. */
  readonly sims: readonly Sim[];
}

/** Starts an example on free ports, each of its endpoints replaced by a sim. Nothing else of it is changed. */
async function startExample(name: string): Promise<RunningExample> {
  let yaml = readText(`examples/${name}/headwaiter.yaml`);
  const origins = [...yaml.matchAll(/url: (https?:\/\/[^/\s]+)/g)].map(([, origin]) => origin!);
  assert.ok(origins.length > 0, "it has an endpoint");
  const sims: Sim[] = [];
  for (const origin of origins) {
    const sim = await startSim({ ttftMs: 0, gapMs: 1, tokens: TOKENS });
    sims.push(sim);
    yaml = yaml.replace(origin, sim.url.origin);
  }
  const gateway = await startGateway(`${yaml}\nserver: { port: 0 }\nadmin: { port: 0 }\n`, KEYS);
  return {
    gateway,
    sims,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      for (const sim of sims) await sim.close();
    },
  };
}

function curlCommands(markdown: string): string[] {
  const shell = codeBlocks(markdown).filter(({ language, text }) => language === "sh" && text.startsWith("curl "));
  return shell.map(({ text }) => text.trim());
}

test("there is an example for each SDK and for a local vLLM", () => {
  assert.deepEqual(EXAMPLES.toSorted(), Object.keys(NATIVE));
});

for (const name of EXAMPLES) {
  test(`examples/${name}: every curl command of its README streams`, { skip: curlMissing }, async () => {
    const commands = curlCommands(readText(`examples/${name}/README.md`));
    assert.ok(commands.length > 0, "it has a curl command");
    await using example = await startExample(name);
    const seen = new Set<string>();
    for (const command of commands) {
      const answer = await runCurl(command, example.gateway.url);
      assert.match(answer, /^HTTP\/1\.1 200 /, command);
      assert.match(answer, /^transfer-encoding: chunked\r$/im);
      assert.match(answer, NATIVE[name]!, command);
      for (let token = 0; token < TOKENS; token++) assert.match(answer, new RegExp(`\\{${token}@\\d+\\}`), command);
      const { requestId, outcome, tokensOut } = await example.gateway.access((line) => !seen.has(line.requestId));
      seen.add(requestId);
      assert.deepEqual([outcome, tokensOut], ["completed", TOKENS]);
    }
  });
}

/** Below the gateway's address, what each SDK wants for a base URL; the model that its client asks for; how often. */
const CLIENTS: Readonly<Record<string, readonly [base: string, model: string, times: number]>> = {
  anthropic: ["", "house", 1],
  gemini: ["", "gemini-*", 1],
  openai: ["/v1", "house", 1],
  "vercel-ai": ["", "house", 3],
};

test("every example with an SDK's client has its test", () => {
  const found = EXAMPLES.filter((name) => readdirSync(`${ROOT}examples/${name}`).includes("client.ts"));
  assert.deepEqual(found.toSorted(), Object.keys(CLIENTS));
});

for (const [name, [base, model, times]] of Object.entries(CLIENTS)) {
  test(`examples/${name}: the SDK's client prints the whole answer`, async () => {
    await using example = await startExample(name);
    const env = { ...process.env, HEADWAITER_URL: example.gateway.url + base };
    const { stdout } = await promisify(execFile)(process.execPath, [`${ROOT}examples/${name}/client.ts`, "Hi"], {
      env,
    });
    const lines = stdout.trim().split("\n");
    assert.equal(lines.length, times);
    for (const line of lines) assert.match(line, /^(?:\w+: )?\{0@\d+\} .*\{4@\d+\}/);
    await waitUntil(() => example.gateway.accessLines.length === times);
    const asked = example.gateway.accessLines.map((line) => [line.model, line.outcome]);
    assert.deepEqual(
      asked,
      Array.from({ length: times }, () => [model, "completed"]),
    );
  });
}

test("examples/local-vllm: requests that come together go to both replicas", async () => {
  await using example = await startExample("local-vllm");
  const body = { model: "house", messages: [{ role: "user", content: "Hi" }] };
  const ask = async (): Promise<number> => {
    const answer = await post(`${example.gateway.url}/v1/chat/completions`, JSON.stringify(body));
    await answer.text();
    return answer.status;
  };
  assert.deepEqual(await Promise.all([ask(), ask()]), [200, 200]);
  assert.deepEqual(
    example.sims.map((sim) => sim.stats().tokensSent),
    [TOKENS, TOKENS],
  );
});
