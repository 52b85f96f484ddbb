#!/usr/bin/env node
/** argv → command. The only file that ends the process. */

const REQUIRED_NODE = [24, 12] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < REQUIRED_NODE[0] || (major === REQUIRED_NODE[0] && minor < REQUIRED_NODE[1])) {
  process.stderr.write(
    `Headwaiter needs Node ${REQUIRED_NODE.join(".")} or newer; this is ${process.versions.node}. ` +
      "Install a current Node from nodejs.org (in a checkout, `npm ci` brings one and `npm start` uses it).\n",
  );
  process.exit(1);
}

/**
 * Settings that V8 reads only when a process starts, so the gateway starts itself again with them, in the same process
 * (decision 0011 has the figures). Its young generation, which is sized by the machine's memory and fills whatever it has
 * with garbage, gets 4 MB halves. Its helpers get one thread: several, on the loop's core, hold up every stream for tens of
 * milliseconds while they collect. And it may not conclude from a thousand streams, whose objects live for minutes, that
 * those of the next small request will, too: it would put them all where only a full collection finds them.
 */
const V8_SETTINGS = ["--max-semi-space-size=4", "--v8-pool-size=1", "--no-allocation-site-pretenuring"] as const;
const [command = "serve"] = process.argv.slice(2);
// A supervisor that talks to us over a channel of Node's would lose it.
if ((command === "serve" || command.startsWith("-")) && process.platform !== "win32" && process.channel === undefined) {
  const given = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ").replaceAll("_", "-");
  const missing = V8_SETTINGS.filter((setting) => !given.includes(setting.split("=", 1)[0]!));
  const argv = [process.execPath, ...missing, ...process.execArgv, ...process.argv.slice(1)];
  try {
    if (missing.length > 0) process.execve?.(process.execPath, argv, process.env);
  } catch {
    // Not allowed here (`--permission`): it runs as well, with more memory.
  }
}

// Imported only now: an older Node would fail on the imports before it could say what is missing.
const { run } = await import("./cli/run.ts");
process.exit(await run(process.argv.slice(2)));
