/** Requests reach the upstream as the client wrote them, but for the bytes of a model that the config renames. */
import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import * as fc from "fast-check";
import { configFor, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import type { ScriptedUpstream } from "../support/scripted-upstream.ts";

const RENAMED = 'real/"model"-é';

let gateway: TestGateway;
let upstream: ScriptedUpstream;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

before(async () => {
  upstream = await startScripted(({ socket }) => void socket.write(response(200, '{"ok":true}')));
  const yaml = configFor(upstream.url).replace(
    '  "*":',
    `  alias: { upstream: up, model: ${JSON.stringify(RENAMED)} }\n  "*":`,
  );
  gateway = await startGateway(yaml);
});
after(async () => {
  agent.destroy();
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Sends `body` in the given pieces, with a content-length or in chunks. @returns status, error code, body. */
function send(
  pieces: readonly Buffer[],
  chunked: boolean,
): Promise<{ status: number; code: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const headers = { "content-type": "application/json", ...(chunked ? {} : { "content-length": length }) };
    const request = http.request(`${gateway.url}/v1/chat/completions`, { method: "POST", agent, headers }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (text: string) => (body += text));
      answer.on("end", () => {
        resolve({ status: answer.statusCode!, code: answer.headers["x-headwaiter-error"] as string | undefined, body });
      });
      answer.on("error", reject);
    });
    request.on("error", reject);
    for (const piece of pieces) request.write(piece);
    request.end();
  });
}

const space = fc.string({ unit: fc.constantFrom(" ", "\n", "\r", "\t"), maxLength: 2 });
const anyString = fc.string({ unit: "binary", maxLength: 10 });
/** A string as JSON, with escapes that are not needed. */
const escaped = (value: string): fc.Arbitrary<string> =>
  fc.boolean().map((all) => {
    const plain = JSON.stringify(value);
    if (!all) return plain;
    const units = Array.from({ length: value.length }, (_, i) => value.charCodeAt(i).toString(16).padStart(4, "0"));
    return `"${units.map((unit) => `\\u${unit}`).join("")}"`;
  });
const otherKey = fc
  .oneof(anyString, fc.constantFrom("__proto__", "constructor", "messages", "x_unknown", "Modell", "models", "models"))
  // In another case they would be refused: some servers ignore it.
  .filter((key) => !["model", "stream"].includes(key.toLowerCase()));
const number = fc.constantFrom("0", "-0.0", "1e400", "12345678901234567890.123456789", "1E-5");
const value = fc.oneof(
  number,
  fc.jsonValue().map((json) => JSON.stringify(json)),
  fc.jsonValue().map((json) => JSON.stringify(json, null, 3)),
  anyString.chain(escaped),
  fc.constantFrom('{"model":"nested","model":"twice"}', '[{"model":1}]', '{"__proto__":{"stream":true}}', '"\\ud800"'),
);
const member = fc
  .tuple(space, otherKey.chain(escaped), space, space, value, space)
  .map(([a, key, b, c, text, d]) => `${a}${key}${b}:${c}${text}${d}`);
const members = fc.array(member, { maxLength: 5 });

/** A request's text in front of the model's value, the value, and the rest. */
const request = fc
  .tuple(members, members, fc.array(space, { minLength: 5, maxLength: 5 }), fc.constantFrom('"model"', '"\\u006dodel"'))
  .map(([before, behind, spaces, key]) => ({
    head: `${spaces[0]}{${before.map((text) => `${text},`).join("")}${spaces[1]}${key}:${spaces[2]}`,
    tail: `${spaces[3]}${behind.map((text) => `,${text}`).join("")}}${spaces[4]}`,
  }));
const modelName = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
  fc.constantFrom("gpt-5", "Alias", "a/b:c"),
);

function cutUp(body: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % body.length).sort((a, b) => a - b), body.length];
  return at
    .slice(1)
    .map((end, i) => body.subarray(at[i], end))
    .filter((piece) => piece.length > 0);
}

test("unknown fields, spacing and escapes reach the upstream byte for byte", async () => {
  const model = modelName.filter((name) => name !== "alias").chain(escaped);
  await fc.assert(
    fc.asyncProperty(
      request,
      model,
      fc.array(fc.nat(), { maxLength: 5 }),
      fc.boolean(),
      async ({ head, tail }, name, cuts, chunked) => {
        const body = Buffer.from(head + name + tail);
        const sent = upstream.requests.length;
        const answer = await send(cutUp(body, cuts), chunked);
        assert.deepEqual(answer, { status: 200, code: undefined, body: '{"ok":true}' });
        assert.equal(upstream.requests.length, sent + 1);
        const received = upstream.requests.at(-1)!;
        assert.ok(received.body.equals(body), `${received.body.toString()} instead of ${body.toString()}`);
        assert.equal(received.header("content-length"), String(body.length));
      },
    ),
    { numRuns: 300 },
  );
});

test("where the config renames the model only its bytes change", async () => {
  const alias = fc.constantFrom('"alias"', '"\\u0061lias"', '"\\u0061\\u006C\\u0069\\u0061\\u0073"');
  await fc.assert(
    fc.asyncProperty(request, alias, fc.boolean(), async ({ head, tail }, name, chunked) => {
      const answer = await send([Buffer.from(head + name + tail)], chunked);
      assert.equal(answer.status, 200);
      assert.equal(upstream.requests.at(-1)!.body.toString(), head + JSON.stringify(RENAMED) + tail);
    }),
    { numRuns: 150 },
  );
});

test("a second model, however it is spelled, is refused and nothing is sent upstream", async () => {
  const keys = fc.constantFrom('"model"', '"\\u006dodel"', '"m\\u006fdel"', '"\\u006d\\u006f\\u0064\\u0065\\u006C"');
  const sent = upstream.requests.length;
  await fc.assert(
    fc.asyncProperty(request, keys, value, async ({ head, tail }, key, second) => {
      const text = `${head}"gpt-5"${tail.replace(/\}\s*$/, () => `,${key}:${second}}`)}`;
      const answer = await send([Buffer.from(text)], false);
      assert.deepEqual([answer.status, answer.code], [400, "invalid_request"], text);
      assert.match(answer.body, /appears twice/);
    }),
    { numRuns: 100 },
  );
  assert.equal(upstream.requests.length, sent);
});

test("a model that only a prototype or a nested object names is none: refused, and nothing is sent upstream", async () => {
  const sent = upstream.requests.length;
  for (const text of [
    '{"__proto__":{"model":"gpt-5"}}',
    '{"constructor":{"prototype":{"model":"gpt-5"}}}',
    '{"messages":[{"model":"gpt-5"}]}',
    '{"model ":"gpt-5"}',
    "{}",
    '{"model":null}',
    '{"model":{"toString":"gpt-5"}}',
    '{"model":["gpt-5"]}',
    '{"model":""}',
    '{"model":5}',
  ]) {
    const answer = await send([Buffer.from(text)], false);
    assert.deepEqual([answer.status, answer.code], [400, "invalid_request"], text);
    assert.equal((JSON.parse(answer.body) as { error: { param: unknown } }).error.param, "model");
  }
  assert.equal(upstream.requests.length, sent);
});
