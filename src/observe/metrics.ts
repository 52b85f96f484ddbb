/** Every metric of the gateway, in one place: name, labels, meaning. `docs/reference/metrics.md` is made from this. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Histogram, Reading } from "./metric.ts";
import type { Metric } from "./metric.ts";

const TTFT_BOUNDS_SECONDS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 3, 5, 10, 20, 30, 60];
const INTER_TOKEN_BOUNDS_SECONDS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 5];
const OVERHEAD_BOUNDS_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];

const DELAY_RESOLUTION_MS = 20;

/** What only the loop knows, read when somebody asks. */
export interface LoopReadings {
  endpoints(): Iterable<{ readonly upstream: string; readonly endpoint: string; readonly outstanding: number }>;
  openSockets(): number;
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
  readonly attempts = new Counter(
    "counter",
    "headwaiter_upstream_attempts_total",
    "Requests sent upstream, by result: ok, status, or an error code.",
    ["upstream", "endpoint", "result"],
  );
  readonly #delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  readonly #all: readonly Metric[];

  constructor(loop: LoopReadings) {
    this.#delay.enable();
    this.#all = [
      this.requests,
      this.streamsOpen,
      this.tokens,
      this.ttft,
      this.interToken,
      this.overhead,
      this.refused,
      this.attempts,
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
        "How late the event loop runs what is due, since the last scrape.",
        ["quantile"],
        () => this.#loopDelay(),
      ),
      new Reading("headwaiter_rss_bytes", "Resident memory of the process.", [], () => [[process.memoryUsage.rss()]]),
      new Reading("headwaiter_open_sockets", "Connections of clients and to upstreams.", [], () => [
        [loop.openSockets()],
      ]),
    ];
  }

  /** In the order in which they are shown. */
  all(): readonly Metric[] {
    return this.#all;
  }

  /** Stops what measures by itself. */
  close(): void {
    this.#delay.disable();
  }

  *#loopDelay(): Iterable<readonly [number, string]> {
    // Node measures from one tick of its own timer to the next, so what was due is in it.
    const seconds = (nanoseconds: number): number =>
      Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / 1e9 - DELAY_RESOLUTION_MS / 1000) : 0;
    yield [seconds(this.#delay.percentile(50)), "0.5"];
    yield [seconds(this.#delay.percentile(99)), "0.99"];
    yield [seconds(this.#delay.max), "1"];
    this.#delay.reset();
  }
}
