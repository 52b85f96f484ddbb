/**
 * Reads of a request's body the few fields that routing needs, and checks that the rest of it is JSON. Up to 256 KiB that is
 * done here and now; more would hold up the other streams, and goes to an offload thread and back.
 */
import { GatewayError } from "../core/errors.ts";
import type { JsonSpan } from "../core/json-scan.ts";
import { mayHoldImages } from "../offload/tasks/image-marks.ts";
import { OFFLOAD_BODY_BYTES, readGeminiFields, readPassFields, readPromptFields } from "../offload/tasks/understand.ts";
import type {
  BodyFault,
  PassFields,
  PromptFields,
  UnderstandInput,
  UnderstandOutput,
} from "../offload/tasks/understand.ts";
import { asBuffer } from "../offload/transfer.ts";
import type { Call, PassKind } from "./call.ts";
import { leaveLoop } from "./leave-loop.ts";
import { refuse } from "./refuse.ts";

/** A body that has been looked at. */
export interface LookedAt {
  /** As it came. */
  readonly body: Buffer;
  /** A copy for the count of its tokens, where it is too large to be copied on the loop and the count is wanted. */
  readonly copy: Uint8Array | undefined;
}

/** What is known of a request that is passed on. */
export interface Understanding extends LookedAt {
  readonly model: string | undefined;
  /** Where the model's name stands, with its quotes. */
  readonly modelSpan: JsonSpan | undefined;
  readonly stream: boolean;
  /** As the caller bounds it; `undefined`: not at all. */
  readonly maxOutputTokens: number | undefined;
  /** How many answers the caller asks for. */
  readonly answers: number;
  /** Whether images are to be looked for. */
  readonly mayHoldImages: boolean;
}

/** What is known of a prompt endpoint's request. */
export interface UnderstoodPrompt extends LookedAt {
  /** Where the prompt stands, with its quotes; it is not blank. */
  readonly promptSpan: JsonSpan;
}

/** Deadline of a large body, milliseconds; 32 MiB take a tenth of a second. */
const DEADLINE_MS = 5_000;

/** For routes that pass a body on. Refuses the call, or goes on with `next`. */
export function understand(
  call: Call,
  { named }: PassKind,
  body: Buffer,
  next: (request: Understanding) => void,
): void {
  const images = call.runtime.snapshot.images !== undefined;
  const proceed = (looked: LookedAt, fields: PassFields | BodyFault, marked: boolean): void => {
    if (!fields.ok) return refuse(call, bodyError(fields));
    const { modelSpan, maxOutputTokens, answers } = fields;
    const { model, stream } = named ?? fields;
    next({ ...looked, model, modelSpan, stream, maxOutputTokens, answers, mayHoldImages: marked });
  };
  if (body.length <= OFFLOAD_BODY_BYTES) {
    const read = named === undefined ? readPassFields : readGeminiFields;
    return proceed({ body, copy: undefined }, read(body), images && mayHoldImages(body));
  }
  const fields = named === undefined ? "pass" : "gemini";
  lookOffLoop(call, body, { fields, images }, (output) => {
    proceed({ body: asBuffer(output.body), copy: output.copy }, output.pass!, output.mayHoldImages);
  });
}

/** For the prompt endpoints. Refuses the call, or goes on with `next`. */
export function understandPrompt(call: Call, body: Buffer, next: (prompt: UnderstoodPrompt) => void): void {
  const proceed = (looked: LookedAt, fields: PromptFields | BodyFault): void => {
    if (!fields.ok) return refuse(call, bodyError(fields));
    next({ ...looked, promptSpan: fields.promptSpan });
  };
  if (body.length <= OFFLOAD_BODY_BYTES) return proceed({ body, copy: undefined }, readPromptFields(body));
  lookOffLoop(call, body, { fields: "prompt", images: false }, (output) => {
    proceed({ body: asBuffer(output.body), copy: output.copy }, output.prompt!);
  });
}

function lookOffLoop(
  call: Call,
  body: Buffer,
  how: Pick<UnderstandInput, "fields" | "images">,
  next: (output: UnderstandOutput) => void,
): void {
  const { snapshot } = call.runtime;
  const copy = snapshot.usage.countInput === "exact" || snapshot.tenants.size > 0;
  leaveLoop(call, {
    pool: call.runtime.offload.bodies,
    task: "understand",
    input: { body, copy, ...how },
    sizeBytes: body.length,
    deadlineMs: DEADLINE_MS,
    next,
  });
}

function bodyError({ code, param, message }: BodyFault): GatewayError {
  return new GatewayError(code, {
    ...(param === undefined ? {} : { param }),
    ...(message === undefined ? {} : { message }),
  });
}
