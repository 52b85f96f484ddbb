/**
 * The life of a request, phase by phase. `docs/life-of-a-request.md` mirrors this list.
 *
 *     receive    the body, bounded in size and time
 *     understand the few fields that routing needs
 *     route      model → upstream
 *     compose    the upstream's request
 *     reserve    requests, tokens, money: in every limit that holds, or in none
 *     admit      a slot of the upstream, or a place in the queue for one
 *     attempt    endpoint, connection, head; one retry where nothing was done yet
 *     relay      stream | array | body | error, to the last byte
 *     settle     usage, metrics, log
 *
 * Each phase hands on to the next or refuses; refusals are values, not throws. Most requests pass from the first to the
 * attempt in one turn of the loop. A large body is understood, and images are scaled, off the loop; the next phase then comes
 * when that is done, unless the client has left.
 */
import { GatewayError } from "../core/errors.ts";
import type { UpstreamRequest } from "../upstream/exchange.ts";
import { admit } from "./admit.ts";
import { answerCount } from "./answer-count.ts";
import { Attempt } from "./attempt.ts";
import type { Asked } from "./bound-use.ts";
import type { Call, PassKind } from "./call.ts";
import { composePassThrough, composePrompt } from "./compose.ts";
import { countInput } from "./count-input.ts";
import { crash } from "./crash.ts";
import { refuse } from "./refuse.ts";
import { reserve } from "./reserve.ts";
import { routeModel } from "./route.ts";
import { shrinkImages } from "./shrink-images.ts";
import { serveStored } from "./stored.ts";
import { translateRequest } from "./translate-request.ts";
import { understand, understandPrompt } from "./understand.ts";
import type { Understanding, UnderstoodPrompt } from "./understand.ts";

/** Serves one call to its end. */
export function serve(call: Call): void {
  call.client.receive((body) => {
    if (call.settled) return;
    call.received();
    try {
      if (body instanceof GatewayError) return refuse(call, body);
      // Noted for the watchdog: all that can be said of a loop that a long builtin holds up.
      call.runtime.row.doing = "understand";
      const { kind } = call;
      if (kind.kind === "prompt") return understandPrompt(call, body, (prompt) => sendPrompt(call, prompt));
      if (kind.kind === "stored") return serveStored(call, kind);
      understand(call, kind, body, (request) => routePassThrough(call, kind, request));
    } catch (error) {
      crash(call, error);
    }
  });
}

function routePassThrough(call: Call, kind: PassKind, request: Understanding): void {
  call.runtime.row.doing = "route";
  const fault = routeFault(call, request);
  if (fault !== undefined) return refuse(call, fault);
  if (!request.mayHoldImages) return sendPassThrough(call, kind, request);
  shrinkImages(call, request, (shrunk) => {
    // A reload meanwhile has retired the endpoints that were found before.
    const changed = routeFault(call, shrunk);
    if (changed !== undefined) return refuse(call, changed);
    sendPassThrough(call, kind, shrunk);
  });
}

function routeFault(call: Call, { model }: Understanding): GatewayError | undefined {
  if (model === undefined) {
    return new GatewayError("invalid_request", { param: "model", message: 'The request must name a "model".' });
  }
  const route = routeModel(call, model);
  return route instanceof GatewayError ? route : undefined;
}

function sendPassThrough(call: Call, kind: PassKind, request: Understanding): void {
  call.runtime.row.doing = "compose";
  const upstream = call.upstream!;
  const lacksRoute = kind.front === "openai_responses" && !upstream.hasResponses;
  const isForeign = upstream.dialect.name !== kind.dialect.name || lacksRoute;
  if (isForeign && kind.counts === true) {
    return reserve(call, { ...request, sizeBytes: request.body.length }, () => answerCount(call, request));
  }
  // Now: a large body is not here any more once it is translated.
  const asked = { ...request, sizeBytes: request.body.length };
  if (isForeign) {
    return translateRequest(call, kind, request, (composed, stream) => send(call, composed, { ...asked, stream }));
  }
  const composed = composePassThrough(call, kind, request);
  if (composed instanceof GatewayError) return refuse(call, composed);
  send(call, composed, asked);
}

function sendPrompt(call: Call, prompt: UnderstoodPrompt): void {
  const route = routeModel(call, undefined);
  if (route instanceof GatewayError) return refuse(call, route);
  const composed = composePrompt(call, route.model ?? call.runtime.snapshot.defaultModel!, prompt);
  const sizeBytes = prompt.body.length;
  send(call, composed, { ...prompt, sizeBytes, stream: true, maxOutputTokens: undefined, answers: 1 });
}

/** The upstream's request is made: now it takes what it needs, and goes. */
function send(call: Call, composed: UpstreamRequest, asked: Asked & { readonly stream: boolean }): void {
  call.answers = asked.answers;
  call.runtime.row.doing = "reserve";
  reserve(call, asked, ({ inputTokens, outputTokens }) => {
    const costTokens = inputTokens + outputTokens;
    // Unless the limits had to know it already.
    if (call.inputCount === null) countInput(call, asked);
    admit(call, costTokens, (slot) =>
      new Attempt(call, composed, { wantsStream: asked.stream, slot, inputTokens, costTokens }).start(),
    );
  });
}
