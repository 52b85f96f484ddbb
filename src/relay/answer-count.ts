/**
 * Answers how many tokens a request has where the model's upstream can't be asked in the caller's API: counted here, with
 * OpenAI's encoding o200k_base, and marked so. Other models' tokenizers differ by a few percent, and by more outside of English.
 */
import { asBuffer } from "../offload/transfer.ts";
import { answerHeaders } from "./answer-headers.ts";
import type { Call } from "./call.ts";
import { leaveLoop } from "./leave-loop.ts";
import { settle } from "./settle.ts";
import type { Understanding } from "./understand.ts";

/** From being queued to the answer, milliseconds. */
const DEADLINE_MS = 10_000;
/** Of what would take too long to be counted, such as a hundred thousand letters without a space. */
const BYTES_PER_TOKEN = 4;

/** Counts, answers and settles the call. */
export function answerCount(call: Call, request: Understanding): void {
  const sizeBytes = request.body.length;
  leaveLoop(call, {
    pool: call.runtime.offload.counts,
    task: "count_tokens",
    input: { body: asBuffer(request.body), kind: call.kind.dialect.name },
    sizeBytes,
    deadlineMs: DEADLINE_MS,
    next: (output) => {
      const tokens = output.tokens ?? Math.ceil(sizeBytes / BYTES_PER_TOKEN);
      const answer = call.kind.dialect.name === "gemini" ? { totalTokens: tokens } : { input_tokens: tokens };
      const headers = answerHeaders(call, "application/json");
      headers.push("x-headwaiter-counted", output.tokens === null ? "by_size" : "o200k_base");
      call.status = 200;
      call.client.answer(200, headers, JSON.stringify(answer));
      settle(call, "completed");
    },
  });
}
