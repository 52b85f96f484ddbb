/** Recorded streams of Anthropic's, Gemini's and the Responses API pass to callers of the same API as they are, however cut. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as fc from "fast-check";
import { post, startGateway } from "../support/gateway.ts";
import type { TestGateway } from "../support/gateway.ts";
import { recordedGeminiText, recordedResponses, recordedStreams, skipRecorded } from "../support/recorded-streams.ts";
import { everyByte, framed, FRAMINGS, writeInPieces } from "../support/replay.ts";
import type { Framing } from "../support/replay.ts";
import { startScripted } from "../support/scripted-upstream.ts";
import type { ReceivedRequest, ScriptedUpstream } from "../support/scripted-upstream.ts";
import { expectedOf } from "../unit/dialects/scan-oracle.ts";

interface Recording {
  readonly name: string;
  readonly path: string;
  readonly wire: Buffer;
  /** What the log has to say of it. */
  readonly tokens: { readonly tokensIn: number | null; readonly tokensOut: number | null };
  /** The recording ends as its API ends a stream. */
  readonly isWhole: boolean;
}

/** Written byte by byte at the beginning and at the end. */
const SINGLE_BYTES = 200;

let gateway: TestGateway;
let upstream: ScriptedUpstream;
let reply: (request: ReceivedRequest) => Promise<void> = () => Promise.reject(new Error("nothing to reply"));

before(async () => {
  upstream = await startScripted((request) => reply(request));
  gateway = await startGateway(`server: { port: 0 }
admin: { port: 0 }
upstreams:
  openai: { responses: native, endpoints: [ { url: ${upstream.url}/v1 } ] }
  anthropic: { dialect: anthropic, endpoints: [ { url: ${upstream.url}/v1 } ] }
  gemini: { dialect: gemini, endpoints: [ { url: ${upstream.url}/v1beta } ] }
models:
  "gpt-*": { upstream: openai }
  "claude-*": { upstream: anthropic }
  "gemini-*": { upstream: gemini }
`);
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const MODELS: Readonly<Record<string, string>> = { "/v1/messages": "claude-1", "/v1/responses": "gpt-5" };
const GEMINI_PATH = "/v1beta/models/gemini-2:streamGenerateContent?alt=sse";

/** What was not reported is counted, if there is anything to be counted. */
function tokensOf(reported: { in: number; out: number } | undefined, counted: number): Recording["tokens"] {
  if (reported !== undefined) return { tokensIn: reported.in, tokensOut: reported.out };
  return { tokensIn: null, tokensOut: counted === 0 ? null : counted };
}

function recordingOf(dialect: "anthropic" | "gemini", path: string, name: string, wire: Buffer): Recording {
  const { usage, complete, failed, tokenEvents } = expectedOf(dialect, wire);
  const reported = usage && { in: usage.inputTokens, out: usage.outputTokens };
  return { name, path, wire, tokens: tokensOf(reported, tokenEvents), isWhole: complete || failed };
}

function responsesRecording(name: string, events: readonly string[], wire: Buffer): Recording {
  const { response } = JSON.parse(events.at(-1)!) as {
    response: { usage: { input_tokens: number; output_tokens: number } | null };
  };
  const { usage } = response;
  const reported = usage === null ? undefined : { in: usage.input_tokens, out: usage.output_tokens };
  const deltas = wire.toString().match(/^event: .*\.delta$/gm)?.length ?? 0;
  return { name, path: "/v1/responses", wire, tokens: tokensOf(reported, deltas), isWhole: true };
}

function recordings(): Recording[] {
  const raw = recordedGeminiText().filter(({ wire }) => wire.subarray(0, 5).toString() === "data:");
  return [
    ...recordedStreams("anthropic").map(({ name, wire }) => recordingOf("anthropic", "/v1/messages", name, wire)),
    ...[...recordedStreams("gemini"), ...raw].map(({ name, wire }) => recordingOf("gemini", GEMINI_PATH, name, wire)),
    ...recordedResponses().map(({ name, events, wire }) => responsesRecording(name, events, wire)),
  ];
}

let requests = 0;

async function replay(recording: Recording, framing: Framing, bytes: Buffer, cuts: Iterable<number>): Promise<void> {
  const { path, wire, tokens, isWhole } = recording;
  const id = `fidelity-apis-${++requests}`;
  reply = (request) => writeInPieces(request, bytes, cuts, framing === "until-close");
  const asked = JSON.stringify({ model: MODELS[path], stream: true });
  const response = await post(gateway.url + path, path === GEMINI_PATH ? "{}" : asked, {
    headers: { "x-request-id": id },
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
  const body = Buffer.from(await response.arrayBuffer());
  if (isWhole) assert.ok(body.equals(wire), "the body is not what the upstream sent");
  else {
    // What breaks off is told to do so, behind all that came.
    assert.ok(body.subarray(0, wire.length).equals(wire));
    assert.match(body.subarray(wire.length).toString(), /"error"/);
  }
  assert.partialDeepStrictEqual(await gateway.access(({ requestId }) => requestId === id), tokens);
}

const cutPlaces = fc.array(fc.nat(), { maxLength: 40 });

for (const recording of recordings()) {
  test(`${recording.name} passes whole and however cut`, async () => {
    const { wire } = recording;
    for (const framing of FRAMINGS) await replay(recording, framing, framed(wire, framing, []), []);
    await fc.assert(
      fc.asyncProperty(cutPlaces, async (cuts) => {
        const bytes = framed(wire, "chunked", [3000, 1, 40]);
        const at = cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b);
        await replay(recording, "chunked", bytes, at);
      }),
      { numRuns: 3 },
    );
    const bytes = framed(wire, "chunked", [3, 1, 40, 900]);
    await replay(recording, "chunked", bytes, everyByte(bytes, SINGLE_BYTES));
  });
}

test("recorded streams of three APIs pass through the gateway", { skip: skipRecorded }, () => {
  assert.ok(requests > 0);
});
