/** Every metric of the gateway, in one place: name, labels, meaning. `docs/reference/metrics.md` is made from this. */
import type { LoopReport } from "./loop-pulse.ts";
import { Counter, Histogram, Reading } from "./metric.ts";
import type { Metric, MetricSnapshot } from "./metric.ts";
import { OffloadMetrics } from "./offload-metrics.ts";

const TTFT_BOUNDS_SECONDS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 3, 5, 10, 20, 30, 60];
const INTER_TOKEN_BOUNDS_SECONDS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 5];
const QUEUE_WAIT_BOUNDS_SECONDS = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60];
const OVERHEAD_BOUNDS_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];

/** What only the loop knows, read when somebody asks. */
export interface LoopReadings {
  endpoints(): Iterable<{ readonly upstream: string; readonly endpoint: string; readonly outstanding: number }>;
  openSockets(): number;
}

/** How late a loop runs what is due. Its pulse measures that; here it is only shown. */
export interface DelayReadings {
  /** The loop's number, from 1. */
  readonly loop: number;
  /** What the pulse reported last; `null` before its first report. */
  lastReport(): Omit<LoopReport, "utilisation"> | null;
}

/** The metrics of one loop. */
export class Metrics {
  readonly requests = new Counter("counter", "headwaiter_requests_total", "Requests that have ended, by how.", [
    "dialect",
    "upstream",
    "model",
    "outcome",
  ]);
  readonly streamsOpen = new Counter("gauge", "headwaiter_streams_open", "Streams under way.", ["upstream"]);
  readonly tokens = new Counter(
    "counter",
    "headwaiter_tokens_total",
    "Tokens, as the upstream reported them or else as counted from token events.",
    ["direction", "upstream", "model"],
  );
  readonly ttft = new Histogram(
    "headwaiter_ttft_seconds",
    "From the arrival of the request to the first token event.",
    TTFT_BOUNDS_SECONDS,
  );
  readonly interToken = new Histogram(
    "headwaiter_inter_token_seconds",
    "Between reads that brought token events of one stream.",
    INTER_TOKEN_BOUNDS_SECONDS,
  );
  readonly overhead = new Histogram(
    "headwaiter_overhead_seconds",
    "From the last byte of the request to its hand-over to an upstream connection.",
    OVERHEAD_BOUNDS_SECONDS,
  );
  readonly refused = new Counter("counter", "headwaiter_refused_total", "Requests refused by the gateway.", ["code"]);
  readonly pressureLevel = new Counter(
    "gauge",
    "headwaiter_pressure_level",
    "Loops at each level of pressure: normal, soft, hard.",
    ["level"],
  );
  readonly pressure = new Counter(
    "counter",
    "headwaiter_pressure_total",
    "How often a loop has come to a level of pressure, and by what.",
    ["level", "reason"],
  );
  readonly attempts = new Counter(
    "counter",
    "headwaiter_upstream_attempts_total",
    "Requests sent upstream, by result: ok, status, or an error code.",
    ["upstream", "endpoint", "result"],
  );
  readonly queueWait = new Histogram(
    "headwaiter_queue_wait_seconds",
    "Wait for a slot of the upstream, of those who got one.",
    QUEUE_WAIT_BOUNDS_SECONDS,
  );
  readonly offload = new OffloadMetrics();
  readonly #all: readonly Metric[];

  /** @param delay `null` where nobody measures it; then it is not shown. */
  constructor(loop: LoopReadings, delay: DelayReadings | null = null) {
    this.#all = [
      this.requests,
      this.streamsOpen,
      this.tokens,
      this.ttft,
      this.interToken,
      this.overhead,
      this.refused,
      this.pressureLevel,
      this.pressure,
      this.attempts,
      this.queueWait,
      ...this.offload.all(),
      new Reading(
        "headwaiter_endpoint_outstanding",
        "Exchanges under way on an endpoint.",
        ["upstream", "endpoint"],
        function* () {
          for (const { upstream, endpoint, outstanding } of loop.endpoints()) yield [outstanding, upstream, endpoint];
        },
      ),
      new Reading(
        "headwaiter_loop_delay_seconds",
        "How late an event loop runs what is due, in the last second.",
        ["loop", "quantile"],
        () => delaySamples(delay),
      ),
      new Reading("headwaiter_open_sockets", "Connections of clients and to upstreams.", [], () => [
        [loop.openSockets()],
      ]),
    ];
  }

  /** In the order in which they are shown. */
  all(): readonly Metric[] {
    return this.#all;
  }

  /** What they show now, for another thread. */
  snapshot(): readonly MetricSnapshot[] {
    return this.#all.map((metric) => metric.snapshot());
  }
}

function* delaySamples(delay: DelayReadings | null): Iterable<readonly [number, string, string]> {
  const report = delay?.lastReport();
  if (delay === null || report === undefined || report === null) return;
  const loop = String(delay.loop);
  yield [report.delayP50Us / 1e6, loop, "0.5"];
  yield [report.delayP99Us / 1e6, loop, "0.99"];
  yield [report.delayMaxUs / 1e6, loop, "1"];
}
