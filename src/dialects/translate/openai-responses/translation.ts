/** The Responses API as callers speak it. No upstream is asked in it but by passing a request on as it is. */
import type { FrontTranslation } from "../translation.ts";
import { readRequest } from "./read-request.ts";
import { writeAnswer } from "./write-answer.ts";
import { ResponsesStreamWriter } from "./write-stream.ts";

/** See {@link FrontTranslation}. */
export const openaiResponsesFront: FrontTranslation = {
  readRequest,
  writeAnswer,
  createWriter: (context) => new ResponsesStreamWriter(context),
};
