/** Reads of a request's body the few fields that routing needs, and checks that the rest of it is JSON. */
import { GatewayError } from "../core/errors.ts";
import { scanJsonObject, WantedKeys } from "../core/json-scan.ts";
import type { JsonSpan } from "../core/json-scan.ts";

/** What is known of a request. The body itself stays as it came. */
export interface Understanding {
  readonly body: Buffer;
  readonly model: string | undefined;
  /** Where the model's name stands, with its quotes. */
  readonly modelSpan: JsonSpan | undefined;
  readonly stream: boolean;
}

const PASS_FIELDS = new WantedKeys("model", "stream");
const PROMPT_FIELDS = new WantedKeys("prompt");
/** Longer than any model's name. */
const MAX_MODEL_NAME_LENGTH = 256;

/** For routes that pass a body on: `model` and `stream`. */
export function understand(body: Buffer): Understanding | GatewayError {
  const scan = scanJsonObject(body, PASS_FIELDS);
  if (!scan.ok) return invalidJson(body, scan.offset, scan.reason);
  const model = valueOf(body, scan.spans.get("model"));
  if (model !== undefined && (typeof model !== "string" || model === "" || model.length > MAX_MODEL_NAME_LENGTH)) {
    return new GatewayError("invalid_request", {
      param: "model",
      message: `"model" must be a string of 1 to ${MAX_MODEL_NAME_LENGTH} characters.`,
    });
  }
  const stream = valueOf(body, scan.spans.get("stream"));
  if (stream !== undefined && stream !== null && typeof stream !== "boolean") {
    return new GatewayError("invalid_request", { param: "stream", message: '"stream" must be true or false.' });
  }
  return { body, model, modelSpan: scan.spans.get("model"), stream: stream === true };
}

/** For the prompt endpoints. @returns the prompt as it came, not blank. */
export function understandPrompt(body: Buffer): string | GatewayError {
  const scan = scanJsonObject(body, PROMPT_FIELDS);
  if (!scan.ok) return invalidJson(body, scan.offset, scan.reason);
  const prompt = valueOf(body, scan.spans.get("prompt"));
  if (prompt === undefined || prompt === null) return new GatewayError("prompt_empty", { param: "prompt" });
  if (typeof prompt !== "string") {
    return new GatewayError("invalid_request", { param: "prompt", message: '"prompt" must be a string.' });
  }
  return prompt.trim() === "" ? new GatewayError("prompt_empty", { param: "prompt" }) : prompt;
}

/** The value at `span`; a container, which no field read here may be, comes back as an empty object. */
function valueOf(body: Buffer, span: JsonSpan | undefined): unknown {
  if (span === undefined) return undefined;
  switch (body[span.start]) {
    case 0x7b:
    case 0x5b:
      return {};
    // The scan has checked the spelling.
    case 0x74:
      return true;
    case 0x66:
      return false;
    default:
      return JSON.parse(body.toString("utf8", span.start, span.end)) as unknown;
  }
}

function invalidJson(body: Buffer, offset: number, reason: string): GatewayError {
  const message =
    body.length === 0
      ? "The request body is empty; send a JSON object."
      : `The request body is not valid JSON: ${reason} at byte ${offset}.`;
  return new GatewayError(/appears twice|lower case|deep/.test(reason) ? "invalid_request" : "invalid_json", { message });
}
