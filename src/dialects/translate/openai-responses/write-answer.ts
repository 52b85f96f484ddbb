/** A whole answer as the Responses API writes it. */
import type { CommonAnswer } from "../common.ts";
import type { AnswerContext } from "../translation.ts";
import { responseHead, responseObject } from "./response-object.ts";
import type { Json } from "./response-object.ts";
import { addPart, ResponseOutput } from "./response-output.ts";

/** See `FrontTranslation.writeAnswer`. Token probabilities are told for the whole answer; its first text has them. */
export function writeAnswer(answer: CommonAnswer, context: AnswerContext): Json {
  const head = responseHead(answer, context.model);
  const output = new ResponseOutput(head, () => undefined);
  let calls = 0;
  let logprobs = answer.logprobs;
  for (const part of answer.parts) {
    if (part.kind === "text" && logprobs !== undefined) {
      output.say("text", part.text, logprobs);
      logprobs = undefined;
    } else addPart(output, part, calls);
    if (part.kind === "tool_call") calls++;
  }
  const end = output.finish(answer.stopReason);
  return responseObject(head, { ...end, output: output.items, usage: answer.usage }, context.echo);
}
