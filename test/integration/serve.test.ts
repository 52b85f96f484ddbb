import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { chat, configFor, post } from "../support/gateway.ts";
import { rawClient, rawPost } from "../support/raw-client.ts";
import { STREAM_HEAD, chunk, response, startScripted, tokenEvent } from "../support/scripted-upstream.ts";
import { waitUntil } from "../support/wait-until.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");
const CHAT = "/v1/chat/completions";
/** Where it is not about loops: each takes half a second to start. */
const ONE_LOOP = ["--workers", "1"];
const run = promisify(execFile);

/** The command as a process of its own, in an empty directory. */
interface Running extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly directory: string;
  readonly out: () => string;
  readonly exit: Promise<[code: number | null, signal: string | null]>;
  /** Once it serves: the data plane's URL and the admin plane's. */
  urls(): Promise<{ url: string; adminUrl: string }>;
}

async function start(
  args: readonly string[],
  options: { config?: string; env?: Record<string, string> } = {},
): Promise<Running> {
  const directory = await mkdtemp(join(tmpdir(), "serve-"));
  if (options.config !== undefined) await writeFile(join(directory, "headwaiter.yaml"), options.config);
  const { OPENAI_API_KEY: _o, ANTHROPIC_API_KEY: _a, GEMINI_API_KEY: _g, NODE_TEST_CONTEXT: _t, ...rest } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: directory,
    env: { ...rest, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => (text += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (text += bytes.toString()));
  const exit = once(child, "close") as Promise<[number | null, string | null]>;
  return {
    child,
    directory,
    out: () => text,
    exit,
    async urls() {
      const lines = /^Headwaiter at (\S+) [^\n]*\nMetrics at (\S+)\/metrics\n/m;
      for (const endMs = performance.now() + 15_000; !lines.test(text) && performance.now() < endMs;)
        await Promise.race([once(child.stdout, "data"), exit]);
      const found = lines.exec(text);
      assert.ok(found, text);
      return { url: found[1]!, adminUrl: found[2]! };
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("the demo: the printed curl line streams tokens, and a model without its key gets 503", async () => {
  await using running = await start(["--port", "0"]);
  const { url, adminUrl } = await running.urls();
  const line = /^ {2}(curl -N .*)$/m.exec(running.out())?.[1];
  assert.ok(line, running.out());
  const { stdout } = await run("sh", ["-c", `${line} --silent --show-error --max-time 20`]);
  assert.ok((stdout.match(/\{\d+@\d+\}/g)?.length ?? 0) >= 10, stdout);
  assert.ok(stdout.endsWith("data: [DONE]\n\n"));
  const prompt = await post(`${url}/api/v1/generate-stream`, '{"prompt":"sim:t1:g1:n3"}');
  assert.match(await prompt.text(), /\{2@\d+\}/);
  for (const [model, variable] of [
    ["gpt-5", "OPENAI_API_KEY"],
    ["claude-5", "ANTHROPIC_API_KEY"],
    ["gemini-3", "GEMINI_API_KEY"],
  ] as const) {
    const refused = await post(url + CHAT, chat({ model }));
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get("x-headwaiter-error"), "upstream_key_missing");
    assert.ok((await refused.text()).includes(variable));
  }
  assert.match(await (await fetch(`${adminUrl}/metrics`)).text(), /headwaiter_requests_total\{/);
  running.child.kill("SIGTERM");
  assert.deepEqual(await running.exit, [0, null]);
  return undefined;
});

test("SIGTERM: not ready at once, what is under way finishes, exit code 0", async () => {
  let finish = (): void => {};
  await using upstream = await startScripted(({ socket }) => {
    finish = () => void socket.write(response(200, '{"id":"c"}'));
  });
  await using running = await start([], { config: configFor(upstream.url) });
  const { url, adminUrl } = await running.urls();
  const pending = post(url + CHAT, chat());
  await waitUntil(() => upstream.requests.length === 1);
  running.child.kill("SIGTERM");
  for (let status = 0; status !== 503;) status = (await fetch(`${adminUrl}/readyz`)).status;
  // Whoever comes now is told so, and a moment later finds the door shut, or another gateway behind it.
  const isOpen = (): Promise<boolean> =>
    fetch(`${url}/readyz`, { headers: { connection: "close" } }).then(
      () => true,
      () => false,
    );
  const endMs = performance.now() + 3000;
  while (await isOpen()) assert.ok(performance.now() < endMs);
  finish();
  assert.equal(await (await pending).text(), '{"id":"c"}');
  assert.deepEqual(await running.exit, [0, null]);
  const lines = running
    .out()
    .split("\n")
    .filter((line) => line.includes('"msg":"request"'));
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { outcome: string }).outcome),
    ["completed"],
  );
});

test("SIGINT with a stream that does not end: an error event after drain_timeout, exit code 0", async () => {
  await using upstream = await startScripted(
    ({ socket }) => void socket.write(STREAM_HEAD + chunk(tokenEvent("a")).toString()),
  );
  await using running = await start(ONE_LOOP, {
    config: configFor(upstream.url).replace("drain_timeout: 1s", "drain_timeout: 100ms"),
  });
  const { url } = await running.urls();
  const answer = await post(url + CHAT, chat({ stream: true }));
  running.child.kill("SIGINT");
  assert.match(await answer.text(), /"code":"draining"\}\}\n\n$/);
  assert.deepEqual(await running.exit, [0, null]);
});

test("a second signal ends the process at once with 130", async () => {
  await using upstream = await startScripted(() => {});
  await using running = await start(ONE_LOOP, {
    config: configFor(upstream.url).replace("drain_timeout: 1s", "drain_timeout: 10m"),
  });
  const { url, adminUrl } = await running.urls();
  using client = rawClient(Number(new URL(url).port));
  client.send(rawPost(CHAT, chat()));
  await waitUntil(() => upstream.requests.length === 1);
  running.child.kill("SIGTERM");
  for (let status = 0; status !== 503;) status = (await fetch(`${adminUrl}/readyz`)).status;
  running.child.kill("SIGINT");
  assert.deepEqual(await running.exit, [130, null]);
});

test("SIGHUP takes a good config over and leaves the old one in place of a bad one", async () => {
  const reply = (from: string) =>
    startScripted(({ socket }) => void socket.write(response(200, JSON.stringify({ from }))));
  await using first = await reply("first");
  await using second = await reply("second");
  await using running = await start([], { config: configFor(first.url) });
  const { url } = await running.urls();
  const from = async (): Promise<string> => (await post(url + CHAT, chat())).text();
  assert.equal(await from(), '{"from":"first"}');
  const file = join(running.directory, "headwaiter.yaml");

  await writeFile(file, configFor(second.url).replace("default_model", "default_modle"));
  running.child.kill("SIGHUP");
  await waitUntil(() => running.out().includes("the old one stays"));
  assert.match(running.out(), /headwaiter\.yaml:\d+:\d+: unknown key `default_modle`; did you mean `default_model`\?/);
  assert.equal(await from(), '{"from":"first"}');

  await writeFile(file, configFor(second.url));
  running.child.kill("SIGHUP");
  await waitUntil(() => running.out().includes("config reloaded"));
  assert.equal(await from(), '{"from":"second"}');
  assert.ok(!running.out().includes("until a restart"));
});

test("--host and --port go before the config's, and --config names the file", async () => {
  const port = await freePort();
  const config = configFor("http://127.0.0.1:9");
  await using running = await start(
    ["serve", "--config", "headwaiter.yaml", "--host", "127.0.0.1", "--port", String(port), ...ONE_LOOP],
    { config },
  );
  assert.equal((await running.urls()).url, `http://127.0.0.1:${port}`);
  const stranger = net.createServer().listen(0, "127.0.0.1");
  await once(stranger, "listening");
  const { port: taken } = stranger.address() as net.AddressInfo;
  await using second = await start(["--port", String(taken)], { config });
  assert.deepEqual(await second.exit, [1, null]);
  assert.match(second.out(), new RegExp(`127\\.0\\.0\\.1:${taken} is in use; choose another with --port`));
  // A demo that finds another one on its port was started by mistake.
  await using demo = await start(["--port", String(port)]);
  assert.deepEqual(await demo.exit, [1, null]);
  stranger.close();
});

/** Whether Linux hands the clients that a closing listener leaves behind to another one on its port; else a few are reset. */
function migratesClients(): boolean {
  try {
    return readFileSync("/proc/sys/net/ipv4/tcp_migrate_req", "utf8").trim() === "1";
  } catch {
    return false;
  }
}

test("a rolling restart, two processes on one port: no stream is cut, no client turned away, the admin port changes hands", async () => {
  const ports = [await freePort(), await freePort()] as const;
  let finish = (): void => {};
  await using upstream = await startScripted(({ socket, body }) => {
    const isStream = body.includes("stream");
    socket.write(isStream ? STREAM_HEAD + chunk(tokenEvent("a")).toString() : response(200, '{"id":"c"}'));
    if (isStream) finish = () => void socket.write(`${chunk("data: [DONE]\n\n").toString()}0\r\n\r\n`);
  });
  const config = configFor(upstream.url)
    .replace(
      "server: { host: 127.0.0.1, port: 0, drain_timeout: 1s }",
      `server: { port: ${ports[0]}, drain_timeout: 20s, workers: 2 }`,
    )
    .replace("admin: { host: 127.0.0.1, port: 0 }", `admin: { port: ${ports[1]} }`);
  await using before = await start([], { config });
  const { url, adminUrl } = await before.urls();
  using stream = rawClient(ports[0]);
  stream.send(rawPost(CHAT, chat({ stream: true })));
  await stream.until(tokenEvent("a"));
  await using after = await start([], { config });
  await after.urls();
  await waitUntil(() => after.out().includes("another gateway has the admin port"));

  const outcomes: string[] = [];
  const connecting = new AbortController();
  const connect = async (): Promise<void> => {
    while (!connecting.signal.aborted) {
      using client = rawClient(ports[0]);
      client.send(rawPost(CHAT, chat(), ["connection: close"]));
      outcomes.push(
        await client.answer().then(
          ({ status }) => String(status),
          () => "reset",
        ),
      );
    }
  };
  const clients = Promise.all([connect(), connect(), connect()]);
  await waitUntil(() => outcomes.length > 50);
  before.child.kill("SIGTERM");
  for (let status = 0; status !== 503;) status = (await fetch(`${adminUrl}/readyz`)).status;
  const drainedAt = outcomes.length;
  await waitUntil(() => outcomes.length > drainedAt + 100);
  finish();
  assert.match((await stream.answer()).body, /data: \[DONE\]\n\n$/);
  // Its connection was to be kept, so the next request may come on it; that is served as well, and then it ends.
  stream.send(rawPost(CHAT, chat()));
  const next = await stream.answer();
  assert.equal(next.status, 200);
  assert.equal(next.header("connection"), "close");
  await stream.closed;
  assert.deepEqual(await before.exit, [0, null]);
  await waitUntil(() => after.out().includes("the admin port is ours now"));
  assert.equal((await fetch(`${adminUrl}/readyz`)).status, 200);
  connecting.abort();
  await clients;
  const turnedAway = outcomes.filter((outcome) => outcome !== "200");
  assert.ok(turnedAway.length <= (migratesClients() ? 0 : 2), turnedAway.join());
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
});

test("a config at fault or a wrong command line is said on stderr, with the exit code for it", async () => {
  const [faulty, unknown, missing, badPort] = await Promise.all([
    start([], { config: "upstreams: {}\nservr: {}\n" }),
    start(["serv"]),
    start(["--config", "nowhere.yaml"]),
    start(["--port", "99999"]),
  ]);
  assert.deepEqual(await faulty.exit, [1, null]);
  assert.match(faulty.out(), /^headwaiter\.yaml:2:1: unknown key `servr`; did you mean `server`\?$/m);
  assert.deepEqual(await unknown.exit, [2, null]);
  assert.match(unknown.out(), /did you mean serve\?/);
  assert.deepEqual(await missing.exit, [1, null]);
  assert.match(missing.out(), /nowhere\.yaml/);
  assert.deepEqual(await badPort.exit, [2, null]);
  for (const running of [faulty, unknown, missing, badPort]) await running[Symbol.asyncDispose]();
});
