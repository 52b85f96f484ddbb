/** The package that is published: what is in it, and that it runs without the sources. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { startSimInThread as startSimInThreadFromSource } from "../../src/sim/in-thread.ts";
import { chat, post } from "../support/gateway.ts";
import { ROOT } from "../support/markdown.ts";

const run = promisify(execFile);
const DOCUMENTS = ["CHANGELOG.md", "LICENSE", "README.md", "package.json"];

/** Where the package is put together, as npm would. */
let directory: string;
let main: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "headwaiter-package-"));
  main = join(directory, "dist", "main.js");
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  await run(process.execPath, [compiler, "-p", join(ROOT, "tsconfig.build.json"), "--outDir", join(directory, "dist")]);
  for (const name of DOCUMENTS) await cp(join(ROOT, name), join(directory, name));
  await symlink(join(ROOT, "node_modules"), join(directory, "node_modules"));
});

after(() => rm(directory, { recursive: true }));

test("the package holds dist and the documents, and nothing else", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: directory });
  // npm 12 names the packages, earlier ones list them.
  const packed = Object.values(JSON.parse(stdout) as Record<string, { readonly files: readonly { path: string }[] }>);
  const paths = packed.flatMap(({ files }) => files.map(({ path }) => path));
  assert.deepEqual(paths.filter((path) => !path.startsWith("dist/")).toSorted(), DOCUMENTS);
  assert.ok(paths.includes("dist/main.js"));
  for (const path of paths) assert.doesNotMatch(path, /\.ts$|test|bench\/compare|cli\/reference/);
});

test("the built command checks a config, serves a stream from the built simulated provider, and drains", async () => {
  const built = pathToFileURL(join(directory, "dist", "sim", "in-thread.js")).href;
  const { startSimInThread } = (await import(built)) as { startSimInThread: typeof startSimInThreadFromSource };
  const sim = await startSimInThread({ ttftMs: 0, gapMs: 1, tokens: 5 });
  const config = join(directory, "headwaiter.yaml");
  await writeFile(
    config,
    `server: { port: 0 }
admin: { port: 0 }
upstreams: { sim: { endpoints: [ { url: ${sim.url.origin}/v1 } ] } }
models: { "*": { upstream: sim } }
`,
  );
  const checked = await run(process.execPath, [main, "check"], { cwd: directory });
  assert.match(checked.stdout, /^ok: headwaiter\.yaml: 1 upstream, 1 endpoint, 1 model$/m);

  const gateway = spawn(process.execPath, [main], { cwd: directory, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(gateway, "exit");
  try {
    const url = await greeting(gateway);
    const answer = await post(`${url}/v1/chat/completions`, chat({ stream: true }));
    assert.match(await answer.text(), /\{0@\d+\}.*\{4@\d+\}.*data: \[DONE\]/s);
    gateway.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  } finally {
    gateway.kill("SIGKILL");
    await sim.close();
  }
});

/** The address that the gateway says it has. */
function greeting(gateway: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    gateway.once("exit", () => reject(new Error(`ended without an address: ${said}`)));
    gateway.stdout!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const url = /^Headwaiter at (http:\/\/\S+) /m.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}
