/** One request of a client, from its arrival to its last byte: what every phase reads and the last one settles. */
import type { Priority } from "../admission/fair-queue.ts";
import type { ModelRoute } from "../config/snapshot.ts";
import type { ErrorCode, GatewayError } from "../core/errors.ts";
import { ListMember } from "../core/linked-list.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Dialect } from "../dialects/dialect.ts";
import type { Usage } from "../dialects/sse-scan.ts";
import type { FrontName } from "../dialects/translate/registry.ts";
import type { Identity } from "../tenants/identity.ts";
import type { RequestLimits } from "../limits/plan.ts";
import type { CallMeter } from "./call-meter.ts";
import type { Client } from "./client.ts";
import type { InputCount } from "./count-input.ts";
import type { Reserved } from "./reserve.ts";
import type { Runtime, Upstream } from "./runtime.ts";
import type { Translation } from "./stream-translation.ts";

/** Passes a request on to an upstream of the same dialect. */
export interface PassKind {
  readonly kind: "pass";
  /** The caller's: the shape of its errors. */
  readonly dialect: Dialect;
  /** As the log names it; one of a closed list. */
  readonly route: string;
  /** Below the upstream's base URL, with a slash at its beginning; a function of the model's name there, where the path holds it. */
  readonly path: string | ((model: string) => string);
  /** What a Gemini path says and other bodies do; `undefined` elsewhere. */
  readonly named?: { readonly model: string; readonly stream: boolean };
  /** How a stream comes: as events, or as one JSON array. @default "sse" */
  readonly framing?: "sse" | "json_array";
  /** What its requests are read as where the upstream speaks another API; without it they can't be. */
  readonly front?: FrontName;
  /** Whether the route asks how many tokens a request has, which we can answer ourselves. */
  readonly counts?: true;
}

/** Asks the default model one prompt and passes its stream on. */
interface PromptKind {
  readonly kind: "prompt";
  readonly dialect: Dialect;
  readonly route: string;
  /** Exactly its bytes, nothing put in between. */
  readonly raw: boolean;
}

/** Reads, deletes or cancels a response that the provider has stored. */
export interface StoredKind {
  readonly kind: "stored";
  readonly dialect: Dialect;
  readonly route: string;
  readonly method: "GET" | "DELETE" | "POST";
  /** Below the upstream's base URL. */
  readonly path: string;
  /** A model of the upstream that keeps it, where the client names one. */
  readonly model: string | undefined;
  readonly stream: boolean;
}

/** What a route asks of the relay. */
export type CallKind = PassKind | PromptKind | StoredKind;

/** Whatever a call is busy with, so that it can be ended from outside. */
export interface Work {
  /** Gives everything up at once and sends nothing. */
  abort(): void;
  /** Ends with an error in whatever form still fits, as {@link Outcome} `outcome`. */
  fail(error: GatewayError, outcome: Outcome): void;
}

interface CallOptions {
  readonly id: string;
  readonly identity: Identity;
  /** In a queue; never before what its tenant has. */
  readonly priority: Priority;
  readonly kind: CallKind;
  readonly client: Client;
  /** The present one. */
  readonly runtime: () => Runtime;
  /** Allow-listed fields of the client's for the upstream. Flat pairs, names in lower case. */
  readonly forwardHeaders: readonly string[];
  /** Called once, when the call has been settled. */
  readonly onSettled: (call: Call) => void;
}

/** See the file's comment. */
export class Call extends ListMember {
  readonly id: string;
  /** Who asks. */
  readonly identity: Identity;
  readonly priority: Priority;
  readonly kind: CallKind;
  /** Another once it has left, where its answer is read on. */
  client: Client;
  /** That of the request's arrival; from its last byte to the end, that of its last byte. */
  runtime: Runtime;
  readonly #presentRuntime: () => Runtime;
  readonly forwardHeaders: readonly string[];
  readonly onSettled: (call: Call) => void;
  /** Monotonic milliseconds. */
  readonly startedMs: number;
  receivedMs = 0;
  firstTokenMs: number | null = null;
  model: ModelRoute | null = null;
  upstream: Upstream | null = null;
  endpoint: string | null = null;
  attempts = 0;
  /** How long it has waited for a slot of its upstream, milliseconds. */
  queueMs = 0;
  /** Where the upstream speaks another API than the caller. */
  translation: Translation | null = null;
  /** How many answers the caller asks for. */
  answers = 1;
  /** Fields of the request that had no place there and were dropped, by their paths. */
  dropped: readonly string[] = [];
  /** Sent to the client; 0 until something was. */
  status = 0;
  usage: Usage | null = null;
  /** Where the config asks for it, and until it is settled. */
  inputCount: InputCount | null = null;
  /** Token events that passed; what is billed when the upstream reports nothing. */
  tokenEvents = 0;
  /** Size of a whole answer whose usage nobody has said; `Infinity` where it is not known, 0 where there is none. */
  unreportedBytes = 0;
  /** The limits that hold for it; `null` where none does, or they are not known yet. */
  limits: RequestLimits | null = null;
  /** What it has reserved in them, until it is settled. */
  reserved: Reserved | null = null;
  /** Where a limit ends streams. */
  meter: CallMeter | null = null;
  /** The model's name as the client wrote it. */
  askedModel = "";
  /** What is under way; `null` before and after. */
  work: Work | null = null;
  outcome: Outcome | null = null;
  code: ErrorCode | null = null;
  detail: string | undefined;

  constructor(options: CallOptions) {
    super();
    this.id = options.id;
    this.identity = options.identity;
    this.priority = options.priority;
    this.kind = options.kind;
    this.client = options.client;
    this.runtime = options.runtime();
    this.#presentRuntime = options.runtime;
    this.forwardHeaders = options.forwardHeaders;
    this.onSettled = options.onSettled;
    this.startedMs = performance.now();
  }

  /** The request is whole. A reload while it came has retired the endpoints of the runtime it came under. */
  received(): void {
    this.receivedMs = performance.now();
    this.renewRuntime();
  }

  /** A step that took a while is over, and nothing of the runtime is in use yet. */
  renewRuntime(): void {
    this.runtime = this.#presentRuntime();
  }

  /**
   * A wait is over, and nothing was sent yet. A reload meanwhile has retired the endpoints that it changed; what has the
   * upstream's name now takes the request as it is, where it speaks the same API.
   */
  renewUpstream(): void {
    const { name } = this.upstream!.config;
    const present = this.#presentRuntime().upstreams.get(name);
    if (present?.dialect === this.upstream!.dialect) this.upstream = present;
  }

  /** Whether the upstream's answer is read to its end for the bill when the client leaves. */
  get finishesAlone(): boolean {
    return this.identity.tenant.onDisconnect === "finish";
  }

  /** Whether it has been settled. */
  get settled(): boolean {
    return this.outcome !== null;
  }
}
