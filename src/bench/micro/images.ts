/**
 * `node src/bench/micro/images.ts [streams] [seconds]`: what scaling images costs the streams beside it.
 *
 * Steady streams, first alone, then while bodies of 10 MB with a picture of 4 megapixels come in five times a second. Both
 * windows have the same streams on the same connections; what differs is the pictures. A thread of its own sends them, so that
 * they hold up nothing on this side.
 */
import http from "node:http";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import sharp from "sharp";
import { monotonicUs } from "../../sim/token.ts";
import { LatencyHistogram } from "../histogram.ts";
import { Meter } from "../meter.ts";
import { startGateway, startSim } from "../own-processes.ts";
import { pace } from "../pace.ts";
import { processTree, readProcessUsage } from "../process-usage.ts";
import { ramp, waitUntil } from "../ramp.ts";
import type { LoadPlan } from "../scenario.ts";
import { StreamClient } from "../stream-client.ts";
import { parseTarget } from "../target.ts";

const EVENTS_PER_STREAM_PER_SECOND = 10;
const PICTURES_PER_SECOND = 5;
const WIDTH = 2400;
const HEIGHT = 1700;
const BODY_BYTES = 10_000_000;
/** What the streams may lose, at the 99th percentile. */
const TARGET_GROWTH_MS = 10;
const WARM_UP_MS = 2_000;

/** The requests with pictures. */
class Pictures {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  readonly #url: string;
  readonly #body: Buffer;
  readonly #latency = new LatencyHistogram();
  readonly #statuses = new Map<string, number>();
  #sent = 0;

  constructor(url: string, body: Buffer) {
    this.#url = `${url}/v1/chat/completions`;
    this.#body = body;
  }

  send(): void {
    this.#sent++;
    const startUs = monotonicUs();
    const headers = { "content-type": "application/json", "content-length": this.#body.length };
    const request = http.request(this.#url, { method: "POST", agent: this.#agent, headers }, (response) => {
      response.resume().on("end", () => {
        this.#latency.record(monotonicUs() - startUs);
        this.#count(String(response.statusCode));
      });
    });
    request.on("error", (error) => this.#count(error.message));
    request.end(this.#body);
  }

  close(): void {
    this.#agent.destroy();
  }

  summary(): string {
    const { p50, p99 } = this.#latency.summary();
    const ends = [...this.#statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
    return `${this.#sent} sent, ${ends}; answered in p50/p99 ${(p50 / 1000).toFixed(0)} / ${(p99 / 1000).toFixed(0)} ms`;
  }

  #count(end: string): void {
    this.#statuses.set(end, (this.#statuses.get(end) ?? 0) + 1);
  }
}

const never = new AbortController().signal;

interface PictureData {
  readonly url: string;
  readonly body: Uint8Array;
}

if (isMainThread) await main();
else sendPictures(workerData as PictureData);

async function main(): Promise<void> {
  const [streams = 500, seconds = 20] = process.argv.slice(2).map(Number);
  const sim = await startSim({ http2: false });
  const settings = "images: { max_edge: 1568, format: webp }\n";
  const gateway = await startGateway(sim.answer, { http2: false, settings });
  try {
    await measure({ url: gateway.answer, pid: gateway.pid, streams, seconds });
  } finally {
    await gateway.stop();
    await sim.stop();
  }
}

/** The thread's side. Told anything, it stops and answers with its summary. */
function sendPictures({ url, body }: PictureData): void {
  const pictures = new Pictures(url, Buffer.from(body));
  const stop = pace(PICTURES_PER_SECOND, () => pictures.send());
  parentPort!.once("message", () => {
    stop();
    pictures.close();
    parentPort!.postMessage(pictures.summary());
  });
}

interface Run {
  readonly url: string;
  readonly pid: number;
  readonly streams: number;
  readonly seconds: number;
}

async function measure({ url, pid, streams, seconds }: Run): Promise<void> {
  const body = await pictureBody();
  const plan: LoadPlan = {
    streams,
    durationMs: 2 * (seconds * 1000 + WARM_UP_MS),
    rampPerSecond: 500,
    eventsPerSecond: streams * EVENTS_PER_STREAM_PER_SECOND,
  };
  const tokens = (plan.durationMs / 1000 + streams / plan.rampPerSecond + 10) * EVENTS_PER_STREAM_PER_SECOND;
  const order = { ttftMs: 100, gapMs: 1000 / EVENTS_PER_STREAM_PER_SECOND, tokens };
  const meter = new Meter();
  const clients: StreamClient[] = [];
  const target = parseTarget(url, "sim");
  const begin = (): void => void clients.push(new StreamClient({ target, meter, order }));
  await ramp(streams, plan.rampPerSecond, begin, never);
  await waitUntil(() => meter.ttft.count + meter.ended >= streams, 30_000, never);
  const alone = await window(meter, pid, seconds);
  const workerData: PictureData = { url, body };
  const sender = new Worker(new URL(import.meta.url), { workerData });
  const beside = await window(meter, pid, seconds);
  const held = meter.open;
  const summary = new Promise<unknown>((resolve) => sender.once("message", resolve));
  sender.postMessage("stop");
  const sent = String(await summary);
  for (const client of clients) client.stop();
  await sender.terminate();
  print(`${streams} streams, ${EVENTS_PER_STREAM_PER_SECOND} token events/s each; bodies of ${body.length} bytes`);
  print(`alone    ${alone.text}`);
  print(`pictures ${beside.text}`);
  print(`pictures: ${sent}`);
  const { lost, duplicated, reordered } = meter.faults;
  const causes = [...meter.causes].map(([cause, count]) => `; ${count} × ${cause}`).join("");
  print(
    `streams held ${held} of ${streams}${causes}; tokens: ${lost} lost, ${duplicated} twice, ${reordered} out of order`,
  );
  const growthMs = (beside.p99Us - alone.p99Us) / 1000;
  print(
    `p99 grew by ${growthMs.toFixed(1)} ms; ${growthMs < TARGET_GROWTH_MS ? "under" : "OVER"} ${TARGET_GROWTH_MS} ms`,
  );
}

/** The delay of token events from the sim's stamp to their arrival here: what it grows by, the time between them does. */
async function window(
  meter: Meter,
  pid: number,
  seconds: number,
): Promise<{ readonly p99Us: number; readonly text: string }> {
  await waitUntil(() => false, WARM_UP_MS, never);
  meter.latency.reset();
  const members = processTree(pid);
  const before = readProcessUsage(members);
  const startMs = performance.now();
  await waitUntil(() => false, seconds * 1000, never);
  const after = readProcessUsage(members);
  const { p50, p90, p99, max, count } = meter.latency.summary();
  const ms = [p50, p90, p99, max].map((us) => (us / 1000).toFixed(1)).join(" / ");
  const share = ((after?.cpuUs ?? 0) - (before?.cpuUs ?? 0)) / 1000 / (performance.now() - startMs);
  const text = `delay p50/p90/p99/max ${ms} ms of ${count} events; gateway ${share.toFixed(2)} cores, ${Math.round((after?.rssBytes ?? 0) / 1e6)} MB`;
  return { p99Us: p99, text };
}

/** A request for a few words about a picture, whose pixels repeat little enough to fill the body. */
async function pictureBody(): Promise<Buffer> {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3);
  let state = 1;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    // The fewer bits are random, the smaller the file: these make it three quarters of the body, which base64 fills up.
    pixels[i] = 96 + ((i >> 8) & 31) + (state >>> 28);
  }
  const png = await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .png({ compressionLevel: 3 })
    .toBuffer();
  const head = '{"model":"sim","messages":[{"role":"user","content":[{"type":"text","text":"sim:t0:g0:n4 ';
  const middle = '"},{"type":"image_url","image_url":{"url":"data:image/png;base64,';
  const tail = '"}}]}]}';
  const image = png.toString("base64");
  const padding = "a ".repeat(Math.max(0, BODY_BYTES - image.length - head.length - middle.length - tail.length) >> 1);
  return Buffer.from(head + padding + middle + image + tail);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
