/** A real `redis-server` for a test, and a way to it that can be slow or broken. */
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Starts that may fail because another process took the port between its choice and its use. */
const MAX_STARTS = 10;
const START_TIMEOUT_MS = 10_000;

/**
 * Why tests that need Redis are skipped, for `test({ skip })`; `false` where `redis-server` is on the PATH, and in CI, where they
 * then fail by not starting it.
 */
export function noRedis(): string | false {
  if (process.env["CI"] !== undefined) return false;
  const found = spawnSync("redis-server", ["--version"], { stdio: "ignore" }).status === 0;
  return found ? false : "redis-server is not installed (Debian: apt-get install redis-server)";
}

/** A running server, which keeps nothing on disk. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** `redis://127.0.0.1:PORT`. */
  readonly url: string;
  /** Stops it in its tracks: connections stay, nothing is answered. */
  freeze(): void;
  /** Ends what {@link freeze} began. */
  thaw(): void;
  /** Ends it as a crash would, without a word to anybody. */
  kill(): Promise<void>;
  /** Starts it again on the same port after {@link kill}, empty. */
  start(): Promise<void>;
}

/** Starts a server on a free port. @param settings as on its command line, e.g. `["--cluster-enabled", "yes"]`. */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), "headwaiter-redis-"));
  let port = await freePort();
  let child = await launch(port, directory, settings);
  for (let starts = 1; child === null && starts < MAX_STARTS; starts++) {
    port = await freePort();
    child = await launch(port, directory, settings);
  }
  if (child === null) throw new Error("redis-server found no free port");
  let running: ChildProcess = child;
  const endWithUs = (): void => void running.kill("SIGKILL");
  process.on("exit", endWithUs);
  const kill = async (): Promise<void> => {
    if (running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill("SIGKILL");
    await exited;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    freeze: () => void running.kill("SIGSTOP"),
    thaw: () => void running.kill("SIGCONT"),
    kill,
    async start() {
      for (let starts = 0; starts < MAX_STARTS; starts++) {
        const next = await launch(port, directory, settings);
        if (next === null) continue;
        running = next;
        return;
      }
      throw new Error(`redis-server can't have port ${port} again`);
    },
    async [Symbol.asyncDispose]() {
      process.off("exit", endWithUs);
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** @returns the process once it takes connections, `null` when the port was taken. */
async function launch(port: number, directory: string, settings: readonly string[]): Promise<ChildProcess | null> {
  const place = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory];
  const child = spawn("redis-server", [...place, "--save", "", "--appendonly", "no", ...settings], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), START_TIMEOUT_MS);
  let said = "";
  try {
    return await new Promise<ChildProcess | null>((resolve, reject) => {
      child.once("error", (error) => reject(new Error("redis-server can't be started", { cause: error })));
      child.once("exit", () => {
        if (said.includes("Address already in use")) resolve(null);
        else reject(new Error(`redis-server ended: ${said}`));
      });
      child.stdout.on("data", (bytes: Buffer) => {
        if (said.length < 64 * 1024) said += bytes.toString();
        if (said.includes("Ready to accept connections")) resolve(child);
      });
    });
  } finally {
    clearTimeout(timer);
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A way to a server that can be made slow or cut. */
export interface RedisProxy extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT`. */
  readonly url: string;
  /** What every byte takes, each way, milliseconds; applies to what comes from now on. @default 0 */
  delayMs: number;
  /** Connections so far. */
  readonly accepted: number;
  /** Breaks every connection, and takes none while `true`. */
  broken: boolean;
}

/** Starts a proxy to a server of this machine. */
export async function startRedisProxy(target: RedisServer): Promise<RedisProxy> {
  const sockets = new Set<net.Socket>();
  let delayMs = 0;
  let isBroken = false;
  let accepted = 0;
  const pass = (from: net.Socket, to: net.Socket): void => {
    from.on("data", (bytes: Buffer) => {
      if (delayMs === 0) to.write(bytes);
      else setTimeout(() => to.write(bytes), delayMs);
    });
    from.on("error", () => {});
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
    sockets.add(from);
  };
  const server = net.createServer((client) => {
    accepted++;
    if (isBroken) {
      client.destroy();
      return;
    }
    const upstream = net.connect(target.port, "127.0.0.1");
    pass(client, upstream);
    pass(upstream, client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `redis://127.0.0.1:${port}`,
    get delayMs() {
      return delayMs;
    },
    set delayMs(next) {
      delayMs = next;
    },
    get accepted() {
      return accepted;
    },
    get broken() {
      return isBroken;
    },
    set broken(next) {
      isBroken = next;
      if (next) for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
