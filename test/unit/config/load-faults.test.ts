import assert from "node:assert/strict";
import { test } from "node:test";

import { loadConfig, MAX_CONFIG_BYTES } from "../../../src/config/load.ts";
import { faultsOf, LEAST } from "./config-text.ts";

test("all faults of a config are told at once, each at its line and column, in the order of the text", () => {
  const text = `server: { port: 65536, workers: 65 }
adimn: {}
upstreams:
  open:
    api_kye: x
    dialect: opnai
    endpoints: [ { url: ftp://h } ]
    timeouts:
      connect: 5
  empty:
models:
  a: { upstream: opne }
  "b*c*": { upstream: open }
default_model: zzz
`;
  assert.deepEqual(faultsOf(text), [
    "1:17: server.port: write a whole number from 0 to 65535, such as 8080",
    "1:33: server.workers: write `auto` or a number from 1 to 64",
    "2:1: unknown key `adimn`; did you mean `admin`?",
    "5:5: unknown key `api_kye` in upstreams.open; did you mean `api_key`?",
    "6:14: upstreams.open.dialect: write one of `openai`, `anthropic`, `gemini`; did you mean `openai`?",
    "7:25: upstreams.open.endpoints[0].url: is not an http:// or https:// URL; write a URL such as https://api.openai.com/v1",
    "9:16: upstreams.open.timeouts.connect: write a duration from 1ms to 5m, such as 5s",
    "10:3: upstreams.empty.endpoints: write a list of at least one endpoint, such as [ { url: https://api.openai.com/v1 } ]",
    "12:18: no upstream has this name; did you mean `open`?",
    "13:3: a pattern may hold only one `*`",
    "14:16: matches none of `models`",
  ]);
});

test("keys of later versions are unknown", () => {
  for (const key of ["jobs", "fanout"])
    assert.deepEqual(faultsOf(`${LEAST}${key}: {}\n`), [`3:1: unknown key \`${key}\``]);
  const weight = LEAST.replace("/v1 }", "/v1, weight: 1 }");
  assert.deepEqual(faultsOf(weight), ["1:62: unknown key `weight` in upstreams.u.endpoints[0]"]);
});

test("a config without upstreams and models says so", () => {
  const missing = [
    "1:1: upstreams: write a map with at least one upstream",
    "1:1: models: write a map with at least one model",
  ];
  for (const text of ["", "# nothing\n", "---\n", "server: {}"]) assert.deepEqual(faultsOf(text), missing, text);
  assert.deepEqual(faultsOf("upstreams: {}\nmodels: {}\n"), [
    "1:12: upstreams: write a map with at least one upstream",
    "2:9: models: write a map with at least one model",
  ]);
});

test("a value of the wrong kind is told where it stands", () => {
  assert.match(faultsOf("- 1")[0]!, /^1:1: write a map with the keys `server`/);
  assert.match(faultsOf(`${LEAST}server: 5\n`)[0]!, /^3:9: server: write a map with the keys/);
  assert.match(faultsOf(`${LEAST}server: { port: [1] }\n`)[0]!, /^3:17: server\.port: write a whole number/);
  assert.match(faultsOf(`${LEAST}admin: { token: }\n`)[0]!, /^3:10: admin\.token: write a key/);
});

test("syntax faults of YAML have their position and do not bring others with them", () => {
  const faults = faultsOf("server:\n  port: 1\n bad: 2\nunknown: 1\n");
  assert.ok(faults.length > 0 && faults.every((fault) => fault.includes("YAML")), faults.join("\n"));
  assert.match(faults[0]!, /^3:/);
  assert.match(faultsOf("a: [1\n")[0]!, /^2:1: not valid YAML|^1:\d+: not valid YAML/);
});

test("a stray token over several lines does not shift the lines that follow", () => {
  assert.deepEqual(faultsOf("u: 1\n}server\nserver: "), [
    "2:1: not valid YAML: Unexpected flow-map-end token in YAML stream",
    "2:2: not valid YAML: Unexpected scalar token in YAML stream",
    "3:7: not valid YAML: Unexpected map-value-ind token in YAML stream",
  ]);
});

test("a key that is there twice is told at its second place", () => {
  assert.deepEqual(faultsOf(`${LEAST}server:\n  port: 1\n  host: h\n  port: 2\n`), ["6:3: this key is there twice"]);
});

test("a __proto__ key is a fault wherever it stands, and changes nothing", () => {
  const at = (text: string): string[] => faultsOf(text).filter((fault) => fault.includes("__proto__"));
  assert.deepEqual(at(`${LEAST}__proto__: { polluted: 1 }\n`), ["3:1: `__proto__` cannot be a name"]);
  assert.deepEqual(at("upstreams:\n  __proto__: { endpoints: [] }\n"), ["2:3: `__proto__` cannot be a name"]);
  assert.deepEqual(at("models: { __proto__: { upstream: u } }\n"), ["1:11: `__proto__` cannot be a name"]);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

test("tags, merge keys, several documents and variables in keys are faults", () => {
  assert.match(faultsOf(`${LEAST}server: !x { port: 1 }\n`)[0]!, /^3:9: tags/);
  assert.match(faultsOf(`${LEAST}---\n${LEAST}`)[0]!, /one YAML document/);
  assert.deepEqual(faultsOf(`${LEAST}<<: { a: 1 }\n`), ["3:1: unknown key"]);
  assert.deepEqual(faultsOf(`${LEAST}"\${A}": 1\n`, { A: "server" }), ["3:1: a variable cannot stand in a key"]);
});

test("a missing variable is the only fault of its value", () => {
  assert.deepEqual(faultsOf(`${LEAST}server: { port: \${PORT} }\nadmin: { token: "\${TOKEN}" }\n`, { TOKEN: "" }), [
    "3:17: the environment variable `PORT` is not set",
    "4:17: the environment variable `TOKEN` is empty",
  ]);
});

test("a hosted provider without a key is a fault, one with a key or elsewhere is not", () => {
  const at = (url: string, more = ""): string => LEAST.replace("http://127.0.0.1:1/v1 } ]", `${url} } ]${more}`);
  for (const host of ["api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com"]) {
    assert.deepEqual(faultsOf(at(`https://${host}/v1`)), [
      `1:39: ${host} needs a key; set \`api_key\` on this upstream`,
    ]);
    assert.deepEqual(faultsOf(at(`https://${host.toUpperCase()}./v1`)).length, 1);
    assert.deepEqual(faultsOf(at(`https://${host}/v1`, ", api_key: k")), []);
  }
  assert.deepEqual(faultsOf(at("https://proxy.test/api.openai.com/v1")), []);
});

test("an endpoint's URL with credentials, query, fragment, port 0 or another scheme is a fault", () => {
  const wrong = [
    "http://u:p@h/",
    "http://u@h/",
    "http://h/?a=1",
    "http://h?",
    "http://h/#x",
    "http://h/#",
    "http://h:0",
    "http://",
  ];
  for (const url of [
    ...wrong,
    "h:80",
    "/v1",
    "file:///etc",
    "http:h",
    "http://a b",
    String.raw`http://h\\v1`,
    "http://h:99999",
  ]) {
    const faults = faultsOf(LEAST.replace("http://127.0.0.1:1/v1", `'${url}'`));
    assert.equal(faults.length, 1, url);
    assert.match(faults[0]!, /^1:39: upstreams\.u\.endpoints\[0\]\.url: /, url);
  }
});

test("server and admin on the same port is a fault, unless any free one is asked for", () => {
  const message = "`server` and `admin` cannot listen on the same port";
  assert.deepEqual(faultsOf(`${LEAST}admin: { port: 8080 }\n`), [`3:16: ${message}`]);
  assert.deepEqual(faultsOf(`${LEAST}server: { port: 9090 }\n`), [`3:17: ${message}`]);
  assert.deepEqual(faultsOf(`${LEAST}server: { port: 0 }\nadmin: { port: 0 }\n`), []);
});

test("no fault repeats a value of the config or of the environment", () => {
  const secret = "sk-SECRET";
  const texts = [
    `${LEAST}admin: { token: "${secret} x" }\n`,
    `${LEAST}admin: { token: \${S} }\nserver: { port: \${S}, host: "\${S} ", workers: \${S} }\ndefault_model: \${S}\n`,
    `upstreams: { u: { api_key: "\${S} ", http2: \${S}, endpoints: [ { url: "http://\${S}@h" } ] } }\nmodels: { m: { upstream: \${S} } }\n`,
    `upstreams: { u: { api_key:${secret} } }\n`,
    `upstreams: { u: { api_key: !${secret} } }\n`,
    `upstreams: { u: { api_key: *${secret} } }\n`,
    `upstreams: { u: { api_key: "\\${secret}" } }\n`,
    `upstreams:\n  u:\n    api_key: |${secret}\n`,
    `upstreams: 1\n}${secret}\n`,
    `upstreams:\n  u:\n    api_key: "x" ${secret}\n`,
    `upstreams:\n  u:\n    api_key:${secret}\n    http2: on\n`,
    `upstreams: { u: { api_key: \${${secret}} } }\n`,
    `upstreams: { u: { api_key: "\${${secret}" } }\n`,
  ];
  for (const text of texts) {
    const faults = faultsOf(text, { S: secret });
    assert.ok(faults.length > 0, text);
    assert.ok(!faults.join("\n").includes("SECRET"), faults.join("\n"));
  }
});

test("a text past 1 MiB is refused without being parsed", () => {
  const result = loadConfig("#".repeat(MAX_CONFIG_BYTES + 1), { file: "c.yaml", env: {} });
  assert.deepEqual(result, { faults: [{ file: "c.yaml", line: 1, column: 1, message: "a config is at most 1 MiB" }] });
});
