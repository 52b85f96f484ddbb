/** What the simulated provider does with a request, whichever protocol brought it. */

import { TimerWheel } from "../core/timer-wheel.ts";
import { StreamedAnswer, WholeAnswer } from "./answer.ts";
import type { Pace } from "./answer.ts";
import type { ErrorBody, Operation, Order } from "./dialect.ts";
import { findDirective } from "./directive.ts";
import type { Directive } from "./directive.ts";
import { asciiJson, isObject } from "./json.ts";
import type { JsonObject } from "./json.ts";
import { Ledger } from "./ledger.ts";
import type { Asked, Outlet } from "./outlet.ts";
import { countPromptTokens } from "./prompt.ts";
import { findRoute } from "./routes.ts";

/** How requests are answered that don't say it themselves. */
export interface ServiceOptions {
  /** Time to the first token, milliseconds. */
  readonly ttftMs: number;
  /** From one token to the next, milliseconds. */
  readonly gapMs: number;
  /** Tokens of an answer. */
  readonly tokens: number;
  /** Share of the requests that get a 500, 0–1. */
  readonly errorRate: number;
}

/** A request longer than this gets a 413. */
const MAX_BODY_BYTES = 32 * 1_048_576;

/** An answer in one piece is built as one string; beyond this it is refused. */
const MAX_WHOLE_BYTES = 64 * 1_048_576;

/** A token's text without padding, at its longest. */
const TOKEN_BYTES = 32;

const MAX_MODEL_LENGTH = 256;

/** Hang-ups that `/sim/stats` shows; all that are remembered are at `/sim/cancels`. */
const STATS_CANCELS = 16;

export class Service {
  readonly ledger = new Ledger();
  readonly #options: ServiceOptions;
  // 2 ms is finer than any gap worth simulating, and turning an empty slot 500 times a second costs nothing.
  readonly #wheel = new TimerWheel({ tickMs: 2, slots: 4_096 });
  #sequence = 0;
  /** The last padding asked for: streams of one load ask for the same, and a MiB each would be their memory. */
  #padding = "";

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  /** Stops all answers where they are. */
  stop(): void {
    this.#wheel.stop();
  }

  /** Answers one request. */
  serve(asked: Asked, outlet: Outlet): void {
    const [path = "", query = ""] = asked.target.split("?", 2);
    if (path.startsWith("/sim/") || path === "/health") return this.#serveOwn(asked, outlet, path);
    this.ledger.requests++;
    const { errorBody, action } = findRoute(asked, path);
    switch (action.kind) {
      case "say":
        return outlet.reply(200, {}, action.json);
      case "refuse":
        return outlet.reply(action.status, {}, errorBody(action.status, action.message));
      case "operate":
        return asked.gather(MAX_BODY_BYTES, (body) => {
          if (body === undefined) {
            return outlet.reply(413, { connection: "close" }, errorBody(413, "The request is too large."));
          }
          const sse = new URLSearchParams(query).get("alt") === "sse";
          return this.#operate(outlet, { ...action, errorBody, sse }, body);
        });
    }
  }

  #serveOwn(asked: Asked, outlet: Outlet, path: string): void {
    if (asked.method !== "GET") return outlet.reply(405, {}, asciiJson({ error: "Only GET is allowed here." }));
    switch (path) {
      case "/health":
        return outlet.reply(200, {}, asciiJson({ status: "ok" }));
      case "/sim/stats": {
        const lastCancelUs = this.ledger.cancels(STATS_CANCELS).map((cancel) => cancel.atUs);
        return outlet.reply(200, {}, asciiJson({ ...this.ledger.stats(), lastCancelUs }));
      }
      case "/sim/cancels":
        return outlet.reply(200, {}, asciiJson({ cancels: this.ledger.cancels() }));
      default:
        return outlet.reply(404, {}, asciiJson({ error: "There is nothing at this path." }));
    }
  }

  #operate(
    outlet: Outlet,
    called: { operation: Operation; pathModel: string | undefined; errorBody: ErrorBody; sse: boolean },
    raw: Buffer,
  ): void {
    const { errorBody } = called;
    const body = parseObject(raw);
    if (body === undefined) return outlet.reply(400, {}, errorBody(400, "The request body is not a JSON object."));
    const directive = findDirective(raw) ?? {};
    const status = directive.status ?? (Math.random() < this.#options.errorRate ? 500 : undefined);
    if (status !== undefined) return fail(outlet, errorBody, status);

    const pace = this.#pace(directive);
    const plan = called.operation(this.#order(body, called, pace));
    if (plan.kind === "refusal") return outlet.reply(400, {}, errorBody(400, plan.message));
    const context = { wheel: this.#wheel, ledger: this.ledger, outlet, pace };
    if (plan.kind === "stream") {
      new StreamedAnswer(context, plan).begin();
      return undefined;
    }
    if (plan.hasTokens && pace.tokens * (TOKEN_BYTES + pace.padding.length) > MAX_WHOLE_BYTES) {
      return outlet.reply(400, {}, errorBody(400, "So many tokens can only be streamed."));
    }
    new WholeAnswer(context, plan).begin();
    return undefined;
  }

  #order(body: JsonObject, called: { pathModel: string | undefined; sse: boolean }, pace: Pace): Order {
    const model = called.pathModel ?? body["model"];
    return {
      body,
      model: typeof model === "string" ? model.slice(0, MAX_MODEL_LENGTH) : "",
      sse: called.sse,
      tokens: pace.tokens,
      promptTokens: countPromptTokens(body),
      sequence: ++this.#sequence,
      createdS: Math.floor(Date.now() / 1000),
    };
  }

  #pace(directive: Directive): Pace {
    const padBytes = directive.padBytes ?? 0;
    if (this.#padding.length !== padBytes) this.#padding = ".".repeat(padBytes);
    return {
      ttftMs: directive.ttftMs ?? this.#options.ttftMs,
      gapMs: directive.gapMs ?? this.#options.gapMs,
      tokens: directive.tokens ?? this.#options.tokens,
      cutAfterTokens: directive.cutAfterTokens ?? Infinity,
      padding: this.#padding,
      tag: directive.tag,
    };
  }
}

function parseObject(raw: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(raw.toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function fail(outlet: Outlet, errorBody: ErrorBody, status: number): void {
  const retryAfter: Record<string, string> = status === 429 || status === 503 ? { "retry-after": "1" } : {};
  outlet.reply(status, retryAfter, errorBody(status, `Simulated error ${status}.`));
}
