/** What the calls of one loop share. A reload makes a new one; calls under way keep the one they started with. */
import { LeastOutstanding } from "../balance/least-outstanding.ts";
import type { BoardRow } from "../board/row.ts";
import type { ConfigSnapshot, UpstreamConfig } from "../config/snapshot.ts";
import type { TimerWheel } from "../core/timer-wheel.ts";
import { anthropic } from "../dialects/anthropic/dialect.ts";
import type { Dialect } from "../dialects/dialect.ts";
import { gemini } from "../dialects/gemini/dialect.ts";
import { openai } from "../dialects/openai/dialect.ts";
import { serverTraits } from "../dialects/openai/servers.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { Offload } from "../offload/offload.ts";
import type { OffloadPool } from "../offload/pool.ts";
import type { TRANSLATION_TASKS } from "./translation-tasks.ts";
import type { AdmissionDesk } from "./admission-desk.ts";
import type { LimitsDesk } from "./limits-desk.ts";
import type { SharedEndpoint } from "./shared-endpoint.ts";

/** The wire APIs by name. */
export const DIALECTS: Readonly<Record<UpstreamConfig["dialect"], Dialect>> = { openai, anthropic, gemini };

/** One upstream with its open endpoints. */
export class Upstream {
  readonly config: UpstreamConfig;
  readonly dialect: Dialect;
  readonly endpoints: readonly SharedEndpoint[];
  /** Whether OpenAI's `/responses` can be asked of it; elsewhere they are translated. */
  readonly hasResponses: boolean;
  readonly #picker: LeastOutstanding<SharedEndpoint>;

  constructor(config: UpstreamConfig, endpoints: readonly SharedEndpoint[]) {
    this.config = config;
    this.dialect = DIALECTS[config.dialect];
    this.endpoints = endpoints;
    const { dialect, responses } = config;
    this.hasResponses =
      dialect === "openai" &&
      (responses === "auto"
        ? config.endpoints.every(({ url }) => serverTraits(url.hostname).hasResponses)
        : responses === "native");
    this.#picker = new LeastOutstanding(endpoints);
  }

  /** The endpoint for the next request. */
  pick(): SharedEndpoint {
    return this.#picker.pick();
  }
}

/** See the file's comment. */
export interface Runtime {
  readonly snapshot: ConfigSnapshot;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly wheel: TimerWheel;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Threads for what would hold up the streams. */
  readonly offload: Offload;
  /** Threads for requests and answers that are too large to be translated here. */
  readonly translations: OffloadPool<typeof TRANSLATION_TASKS>;
  /** What requests are limited by. */
  readonly limits: LimitsDesk;
  /** Slots of upstreams. */
  readonly desk: AdmissionDesk;
  /** Where this loop counts what all loops together have under way. */
  readonly row: BoardRow;
}
