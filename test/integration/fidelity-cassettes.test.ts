/** Recorded pairs of request and answer, replayed: both pass as they are. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { configFor, post, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { FIXTURES, skipRecorded } from "../support/recorded-streams.ts";
import { response, startScripted } from "../support/scripted-upstream.ts";
import type { ScriptedUpstream } from "../support/scripted-upstream.ts";

interface Interaction {
  readonly request: { readonly body: string; readonly url: string; readonly headers: Record<string, string[]> };
  readonly response: { readonly body: string; readonly code: number; readonly headers: Record<string, string[]> };
}

const ROUTES: ReadonlySet<string> = new Set(["/v1/chat/completions", "/v1/completions", "/v1/embeddings"]);

const cassettes = skipRecorded === false ? globSync("*cassettes/*.yaml", { cwd: FIXTURES }).sort() : [];

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let answer: Interaction["response"];

before(async () => {
  upstream = await startScripted(({ socket }) => {
    const headers = Object.fromEntries(
      Object.entries(answer.headers).map(([name, values]) => [name.toLowerCase(), values[0]!]),
    );
    delete headers["transfer-encoding"];
    socket.write(response(answer.code, answer.body, headers));
  });
  gateway = await startGateway(configFor(upstream.url));
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** The last figures that the answer gives, or else the number of events that brought text. */
function usageOf(body: string): { tokensIn: number | null; tokensOut: number | null; tokensFrom: string | null } {
  const prompt = [...body.matchAll(/"prompt_tokens": ?(\d+)/g)].at(-1)?.[1];
  const total = [...body.matchAll(/"total_tokens": ?(\d+)/g)].at(-1)?.[1];
  if (prompt === undefined || total === undefined) {
    const tokensOut = [...body.matchAll(/"(?:content|text)":"[^"]/g)].length;
    return { tokensIn: null, tokensOut, tokensFrom: "counted" };
  }
  return { tokensIn: Number(prompt), tokensOut: Number(total) - Number(prompt), tokensFrom: "upstream" };
}

for (const [place, file] of cassettes.entries()) {
  test(`${file}: request, status and answer pass as they are`, async () => {
    const { interactions } = parse(readFileSync(FIXTURES + file, "utf8")) as { interactions: Interaction[] };
    for (const [i, { request, response: recorded }] of interactions.entries()) {
      answer = recorded;
      const path = new URL(request.url).pathname;
      const id = `cassette-${place}-${i}`;
      const sent = upstream.requests.length;
      const type = request.headers["Content-Type"]![0]!;
      const got = await post(gateway.url + path, request.body, {
        headers: { "content-type": type, "x-request-id": id },
      });
      const body = Buffer.from(await got.arrayBuffer());
      if (!ROUTES.has(path)) {
        assert.deepEqual([got.status, got.headers.get("x-headwaiter-error")], [404, "route_not_found"]);
        assert.equal(upstream.requests.length, sent);
        continue;
      }
      assert.equal(upstream.requests.at(-1)!.body.toString(), request.body);
      assert.match(upstream.requests.at(-1)!.head, new RegExp(`^POST ${path} HTTP/1\\.1\r\n`));
      // What the provider says of our key is not the caller's business.
      const unauthorized = recorded.code === 401 || recorded.code === 403;
      assert.equal(got.status, unauthorized ? 502 : recorded.code);
      assert.equal(body.toString(), recorded.body);
      assert.equal(got.headers.get("x-headwaiter-error"), recorded.code === 200 ? null : "upstream_status");
      assert.equal(got.headers.get("openai-processing-ms"), recorded.headers["Openai-Processing-Ms"]?.[0] ?? null);
      for (const name of [
        "set-cookie",
        "server",
        "cf-ray",
        "alt-svc",
        "x-ratelimit-limit-requests",
        "openai-organization",
      ]) {
        assert.equal(got.headers.get(name), null, name);
      }
      const line = await gateway.access(({ requestId }) => requestId === id);
      assert.partialDeepStrictEqual(line, {
        outcome: recorded.code === 200 ? "completed" : "upstream_status",
        status: got.status,
        ...(recorded.code === 200 ? usageOf(recorded.body) : { tokensFrom: null }),
      });
    }
  });
}

test("recorded requests and answers pass through the gateway", { skip: skipRecorded }, () => {
  assert.ok(upstream.requests.length > 0);
});
