/**
 * The life of a request, phase by phase. `docs/life-of-a-request.md` mirrors this list.
 *
 *     receive    the body, bounded in size and time
 *     understand the few fields that routing needs
 *     route      model → upstream
 *     compose    the upstream's request
 *     attempt    endpoint, connection, head; one retry where nothing was done yet
 *     relay      stream | body | error, to the last byte
 *     settle     usage, metrics, log
 *
 * Each phase hands on to the next or refuses; refusals are values, not throws.
 */
import { GatewayError } from "../core/errors.ts";
import type { UpstreamRequest } from "../upstream/exchange.ts";
import { Attempt } from "./attempt.ts";
import type { Call } from "./call.ts";
import { composePassThrough, composePrompt } from "./compose.ts";
import { crash } from "./crash.ts";
import { refuse } from "./refuse.ts";
import { routeModel } from "./route.ts";
import { understand, understandPrompt } from "./understand.ts";

/** Serves one call to its end. */
export function serve(call: Call): void {
  call.client.receive((body) => {
    if (call.settled) return;
    call.received();
    try {
      if (body instanceof GatewayError) return refuse(call, body);
      const planned = plan(call, body);
      if (planned instanceof GatewayError) return refuse(call, planned);
      new Attempt(call, planned.request, planned.stream).start();
    } catch (error) {
      crash(call, error);
    }
  });
}

interface Plan {
  readonly request: UpstreamRequest;
  /** The client asked for a stream. */
  readonly stream: boolean;
}

function plan(call: Call, body: Buffer): Plan | GatewayError {
  return call.kind.kind === "prompt" ? planPrompt(call, body) : planPassThrough(call, body, call.kind.path);
}

function planPassThrough(call: Call, body: Buffer, path: string): Plan | GatewayError {
  const request = understand(body);
  if (request instanceof GatewayError) return request;
  if (request.model === undefined) {
    return new GatewayError("invalid_request", { param: "model", message: 'The request must name a "model".' });
  }
  const route = routeModel(call, request.model);
  if (route instanceof GatewayError) return route;
  // The route's path is the official one; an endpoint's URL holds the version.
  return { request: composePassThrough(call, path.replace(/^\/v1/, ""), request), stream: request.stream };
}

function planPrompt(call: Call, body: Buffer): Plan | GatewayError {
  const prompt = understandPrompt(body);
  if (prompt instanceof GatewayError) return prompt;
  const route = routeModel(call, undefined);
  if (route instanceof GatewayError) return route;
  return { request: composePrompt(call, route.model ?? call.runtime.snapshot.defaultModel!, prompt), stream: true };
}
