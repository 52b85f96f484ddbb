/** Every recorded stream says to an SDK of another API, through the gateway, what it says to its own SDK directly. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import * as fc from "fast-check";
import { DIALECTS } from "../../src/relay/runtime.ts";
import { startPairs } from "../support/pairs.ts";
import type { PairRow } from "../support/pairs.ts";
import { anthropicClient } from "../support/pairs/anthropic-client.ts";
import type { PairClient } from "../support/pairs/client.ts";
import { googleClient } from "../support/pairs/google-client.ts";
import { chatClient } from "../support/pairs/openai-clients.ts";
import type { Said } from "../support/pairs/scene.ts";
import { UPSTREAMS } from "../support/pairs/upstreams.ts";
import { vercelClients } from "../support/pairs/vercel-clients.ts";
import { recordedGeminiText, recordedStreams, skipRecorded } from "../support/recorded-streams.ts";
import { framed, writeInPieces } from "../support/replay.ts";
import { startServing } from "../support/serving.ts";
import type { Serving } from "../support/serving.ts";

let rows: readonly PairRow[];
let serving: Serving;
before(async () => {
  rows = await startPairs();
  serving = await startServing();
});
after(async () => {
  for (const row of rows) await row[Symbol.asyncDispose]();
  await serving[Symbol.asyncDispose]();
});

type DialectName = PairClient["dialect"];

interface Recording {
  readonly name: string;
  readonly wire: Buffer;
}

/** Some recordings of Anthropic's are several answers in one file. */
function firstAnswer(wire: Buffer): Buffer {
  const end = wire.indexOf("\n\n", wire.indexOf("event: message_stop"));
  return wire.subarray(0, end + 2);
}

function recordingsOf(dialect: DialectName): readonly Recording[] {
  const recorded = recordedStreams(dialect).filter(({ path }) => path !== "/v1/completions");
  if (dialect === "openai") return recorded;
  if (dialect === "anthropic") return recorded.map(({ name, wire }) => ({ name, wire: firstAnswer(wire) }));
  const raw = recordedGeminiText().filter(({ wire }) => wire.subarray(0, 5).toString() === "data:");
  // Google's SDK takes no stream whose last event has no blank line behind it.
  return [...recorded, ...raw].map(({ name, wire }) => ({ name, wire: Buffer.concat([wire, Buffer.from("\n\n")]) }));
}

/** Without the ids, which are made anew where an API has none. */
type Told = Omit<Said, "calls"> & { readonly calls: readonly (readonly [name: string, input: unknown])[] };

/** Pictures of the model's own have no place in Anthropic's answers, so they stand in its text. */
const PICTURE = /!\[image\]\(data:[^)]*\)/g;

const told = ({ calls, ...said }: Said): Told => ({
  ...said,
  text: said.text.replaceAll(PICTURE, ""),
  calls: calls.map(({ name, input }) => [name, input]),
});

const NATIVE: Readonly<Record<DialectName, (origin: string) => PairClient>> = {
  // Its helper takes no call whose first event does not say that it is a function's.
  openai: (origin) => chatClient(origin, "events"),
  anthropic: anthropicClient,
  gemini: googleClient,
};

const QUESTION = { text: "Hi", thinks: true };

/** What the API's own SDK reads; `undefined` where it can't, or where the stream is not whole, which Google's does not see. */
async function nativeReading(dialect: DialectName, wire: Buffer): Promise<Told | undefined> {
  serving.serve({ body: wire });
  const scan = DIALECTS[dialect].createScan();
  scan.scan(wire, 0, wire.length);
  if (!scan.complete || scan.failed) return undefined;
  const read = (client: PairClient): Promise<Told | undefined> =>
    client.ask(QUESTION, true).then(
      ({ said }) => told(said),
      () => undefined,
    );
  const native = await read(NATIVE[dialect](serving.url));
  if (dialect !== "gemini" || native === undefined) return native;
  // Google's SDK leaves calls in pieces to its user; Vercel's puts them together.
  const vercel = await read(vercelClients(serving.url).find(({ name }) => name === "vercel google")!);
  return { ...native, calls: vercel!.calls };
}

async function replay(row: PairRow, client: PairClient, wire: Buffer, expected: Told | undefined): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (cuts) => {
      const bytes = framed(wire, "chunked", [1000, 1, 77]);
      const at = cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b);
      row.script((request) => void writeInPieces(request, bytes, at, false));
      const asked = client.ask(QUESTION, true);
      if (expected === undefined) await assert.rejects(asked);
      else {
        const thoughts = client.showsThoughts ? expected.thoughts : "";
        assert.deepEqual(told((await asked).said), { ...expected, thoughts });
      }
    }),
    { numRuns: 1 },
  );
}

for (const [place, { dialect }] of UPSTREAMS.entries()) {
  suite(`recordings of ${dialect}`, { skip: skipRecorded }, () => {
    for (const { name, wire } of recordingsOf(dialect)) {
      test(name, async (t) => {
        const row = rows[place]!;
        const expected = await nativeReading(dialect, wire);
        const foreign = row.clients.filter((one) => one.dialect !== dialect || one.name.includes("responses"));
        for (const client of foreign) await t.test(client.name, () => replay(row, client, wire, expected));
      });
    }
  });
}
