/** What the documents show can be copied: their configs have no faults, and the README's commands answer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startSim } from "../../src/sim/server.ts";
import { curlMissing, runCurl } from "../support/curl.ts";
import { snapshotOf, startGateway } from "../support/gateway.ts";
import { codeBlocks, documents, readText } from "../support/markdown.ts";

test("every config in a document is one without faults", () => {
  let checked = 0;
  for (const document of documents()) {
    for (const { language, text } of codeBlocks(readText(document))) {
      if (language !== "yaml") continue;
      const variables = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => [name!, "value"] as const);
      assert.doesNotThrow(() => snapshotOf(text, Object.fromEntries(variables)), document);
      checked++;
    }
  }
  assert.ok(checked >= 2, `${checked} checked`);
});

test("the README's two commands are the scripts of the package", () => {
  const { scripts } = JSON.parse(readText("package.json")) as { scripts: Record<string, string> };
  const shown = new Set(codeBlocks(readText("README.md")).map(({ text }) => text.trim()));
  for (const command of ["npm ci && npm start", "npm ci && npm test"]) {
    assert.ok(shown.has(command), command);
    assert.ok(scripts[command.split(" ").at(-1)!] !== undefined, command);
  }
});

test("every curl command of the README streams from the simulated model", { skip: curlMissing }, async () => {
  const sim = await startSim({ ttftMs: 0, gapMs: 1, tokens: 3 });
  const config = `server: { port: 0 }
admin: { port: 0 }
upstreams: { sim: { endpoints: [ { url: ${sim.url.origin}/v1 } ] } }
models: { sim: { upstream: sim } }
default_model: sim
`;
  await using gateway = await startGateway(config);
  const commands = codeBlocks(readText("README.md")).filter(({ text }) => text.startsWith("curl "));
  assert.equal(commands.length, 2);
  for (const { text } of commands) {
    const answer = await runCurl(text.trim(), gateway.url);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.match(answer, /^content-type: text\/event-stream/im);
    assert.match(answer, /\{0@\d+\}.*\{1@\d+\}.*\{2@\d+\}.*data: \[DONE\]/s);
  }
  await sim.close();
});
