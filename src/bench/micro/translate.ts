/**
 * `npm run bench:translate`: what a token event costs in the relay where it is translated, beside what it costs where it passes, for
 * every pair of APIs. One read of the upstream's is one event, as with a slow stream. The socket's part, which is most of a
 * token event's cost, is the same for both and in neither figure.
 */
import type { Dialect } from "../../dialects/dialect.ts";
import { BACKS, FRONTS } from "../../dialects/translate/registry.ts";
import type { BackName, FrontName } from "../../dialects/translate/registry.ts";
import { DIALECTS } from "../../relay/runtime.ts";
import { StreamTranslation } from "../../relay/stream-translation.ts";

const EVENTS = 2000;
const ROUNDS = 31;
/** How much more a translated token event may cost than a passed one, all in all. */
const TARGET_RATIO = 3;
/** CPU time of a passed token event without what is timed here, microseconds: docs/performance.md has 21 for the whole. */
const SOCKET_US = 20;

/** One upstream's stream: its reads, each whole events. */
interface Stream {
  readonly begin: string;
  readonly token: (text: string) => string;
  readonly end: string;
}

const chat = (delta: object, finish: string | null = null): string => {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
  const head = {
    id: "chatcmpl-AbC123dEf456",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: "gpt-5-mini",
  };
  return `data: ${JSON.stringify({ ...head, system_fingerprint: "fp_0123456789", choices })}\n\n`;
};
const named = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const gemini = (text: string, more: object = {}): string => {
  const candidates = [{ content: { parts: [{ text }], role: "model" }, index: 0, ...more }];
  const usageMetadata = { promptTokenCount: 12, candidatesTokenCount: 3, totalTokenCount: 15 };
  return `data: ${JSON.stringify({ candidates, usageMetadata, modelVersion: "gemini-2.5-flash", responseId: "AbC123" })}\r\n\r\n`;
};

const STREAMS: Readonly<Record<BackName, Stream>> = {
  openai: {
    begin: chat({ role: "assistant", content: "" }),
    token: (text) => chat({ content: text }),
    end: `${chat({}, "stop")}data: [DONE]\n\n`,
  },
  anthropic: {
    begin:
      named("message_start", {
        message: {
          id: "msg_1",
          type: "message",
          role: "assistant",
          model: "claude",
          content: [],
          usage: { input_tokens: 12 },
        },
      }) + named("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    token: (text) => named("content_block_delta", { index: 0, delta: { type: "text_delta", text } }),
    end:
      named("content_block_stop", { index: 0 }) +
      named("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 9 } }) +
      named("message_stop", {}),
  },
  gemini: { begin: gemini("A"), token: (text) => gemini(text), end: gemini("", { finishReason: "STOP" }) },
};

/** As the loop reads: into one buffer, from its beginning. */
const readBuffer = Buffer.alloc(64 * 1024);
/** As a client's stream gathers. */
const frame = Buffer.alloc(64 * 1024 + 16);
/** Kept, so that no work is left out as useless. */
let sunk = 0;

type Relay = (end: number) => void;

function passing(dialect: Dialect): Relay {
  const scan = dialect.createScan();
  return (end) => {
    readBuffer.copy(frame, 10, 0, end);
    scan.scan(readBuffer, 0, end);
    sunk += scan.tokenEvents;
  };
}

function translating(front: FrontName, back: BackName): Relay {
  const context = { model: "house", wantsUsage: true, framing: "sse" } as const;
  const translation = new StreamTranslation({ front, back, context });
  return (end) => {
    const text = translation.feed(readBuffer, 0, end);
    if (text !== "") sunk += Buffer.from(text).copy(frame, 10);
  };
}

/** @returns nanoseconds per token event, the median of several streams. */
function timed(back: BackName, open: () => Relay): number {
  const { begin, token, end } = STREAMS[back];
  const tokens = Array.from({ length: 8 }, (_, i) =>
    Buffer.from(token(["Hel", "lo ", "wör", "ld, ", "it ", '"is" ', "\n", "so"][i]!)),
  );
  const rounds = Array.from({ length: ROUNDS }, () => {
    const relay = open();
    relay(readBuffer.write(begin));
    const startedNs = process.hrtime.bigint();
    for (let i = 0; i < EVENTS; i++) relay(tokens[i % 8]!.copy(readBuffer));
    const tookNs = Number(process.hrtime.bigint() - startedNs);
    relay(readBuffer.write(end));
    return tookNs / EVENTS;
  });
  return rounds.toSorted((a, b) => a - b)[ROUNDS >> 1]!;
}

for (const back of Object.keys(BACKS) as BackName[]) {
  const passedNs = timed(back, () => passing(DIALECTS[back]));
  process.stdout.write(`${`${back}, passed`.padEnd(40)}${passedNs.toFixed(0).padStart(8)} ns\n`);
  for (const front of Object.keys(FRONTS) as FrontName[]) {
    const ns = timed(back, () => translating(front, back));
    const ratio = (ns / 1000 + SOCKET_US) / (passedNs / 1000 + SOCKET_US);
    const verdict = ratio <= TARGET_RATIO ? "" : `   over ${TARGET_RATIO}`;
    const name = `${back}, translated for ${front}`.padEnd(40);
    const figures = `${ns.toFixed(0).padStart(8)} ns${(ns / passedNs).toFixed(1).padStart(8)} ×`;
    process.stdout.write(`${name}${figures}${ratio.toFixed(2).padStart(8)} × with the socket${verdict}\n`);
  }
}
if (sunk === 0) throw new Error("nothing was done");
