/** Decides by the head of an upstream's answer how to relay it, or that it is not what was asked for. */
import { GatewayError } from "../core/errors.ts";
import { headerValue } from "../upstream/exchange.ts";
import type { HeaderList } from "../upstream/exchange.ts";
import { ArrayRelay } from "./array-relay.ts";
import type { Attempt } from "./attempt.ts";
import { BodyRelay } from "./body-relay.ts";
import { ErrorRelay } from "./error-relay.ts";
import type { Receiver } from "./receiver.ts";
import { StreamRelay } from "./stream-relay.ts";
import { TranslatedBody } from "./translated-body.ts";

/** @returns a receiver for the body, or why the answer is of no use. */
export function selectReceiver(attempt: Attempt, status: number, headers: HeaderList): Receiver | GatewayError {
  if (status >= 300 && status < 400) return invalid(`a redirect (${status})`);
  // Also where its body can't be read: the status is the better half of it.
  if (status >= 400) return new ErrorRelay(attempt, status, headers);
  const encoding = headerValue(headers, "content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") return invalid(`content-encoding ${encoding}`);
  if (status !== 200) return invalid(`status ${status}`);
  const type = mediaType(headerValue(headers, "content-type"));
  const { kind, translation } = attempt.call;
  if (attempt.wantsStream && type === "text/event-stream") return new StreamRelay(attempt, headers);
  if (translation !== null) {
    const isWhole = !attempt.wantsStream && type === "application/json";
    return isWhole
      ? new TranslatedBody(attempt, translation, headers)
      : invalid(`content-type ${JSON.stringify(type)}`);
  }
  if (type === "application/json" && kind.kind === "pass" && kind.framing === "json_array") {
    return new ArrayRelay(attempt, headers);
  }
  // A stream was asked for and JSON came: some servers answer so where a model can't stream. It is a whole answer.
  if (type === "application/json") return new BodyRelay(attempt, headers);
  return invalid(`content-type ${JSON.stringify(type)}`);
}

function mediaType(contentType: string | undefined): string {
  return (contentType ?? "").split(";", 1)[0]!.trim().toLowerCase();
}

function invalid(what: string): GatewayError {
  return new GatewayError("upstream_invalid", { detail: `the upstream sent ${what}` });
}
