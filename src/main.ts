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

// Imported only now: an older Node would fail on the imports before it could say what is missing.
const { run } = await import("./cli/run.ts");
process.exit(await run(process.argv.slice(2)));
