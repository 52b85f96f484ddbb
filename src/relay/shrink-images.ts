/** Scales down the images of a request that are larger than `images` in the config allows, off the loop. */
import { GatewayError } from "../core/errors.ts";
import { asBuffer } from "../offload/transfer.ts";
import type { Call } from "./call.ts";
import { leaveLoop } from "./leave-loop.ts";
import { refuse } from "./refuse.ts";
import type { Understanding } from "./understand.ts";

/** From being queued to the answer, milliseconds. A picture of 12 megapixels takes 0.2 s. */
const DEADLINE_MS = 30_000;

/** Refuses the call where an image is unusable, or goes on with `next`. */
export function shrinkImages(call: Call, request: Understanding, next: (request: Understanding) => void): void {
  const limits = call.runtime.snapshot.images;
  if (limits === undefined) return next(request);
  leaveLoop(call, {
    pool: call.runtime.offload.images,
    task: "shrink_images",
    input: { body: request.body, dialect: call.kind.dialect.name, limits, mark: request.modelSpan },
    sizeBytes: request.body.length,
    deadlineMs: DEADLINE_MS,
    next: (output) => {
      if (output.ok) return next({ ...request, body: asBuffer(output.body), modelSpan: output.mark });
      const message = `The image at ${output.part} ${output.reason}.`;
      refuse(call, new GatewayError("invalid_request", { param: output.part, message }));
    },
  });
}
