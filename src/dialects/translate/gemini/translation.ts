/** The Gemini API, in front and behind. */
import type { BackTranslation, FrontTranslation } from "../translation.ts";
import { MAX_PICTURE_EVENT_BYTES } from "../sse-events.ts";
import { readAnswer } from "./read-answer.ts";
import { readRequest } from "./read-request.ts";
import { GeminiReader } from "./read-stream.ts";
import { writeAnswer } from "./write-answer.ts";
import { writeRequest } from "./write-request.ts";
import { GeminiWriter } from "./write-stream.ts";

/** Callers that speak Gemini. */
export const geminiFront: FrontTranslation = {
  readRequest,
  writeAnswer,
  createWriter: (context) => new GeminiWriter(context),
};

/** Upstreams that speak Gemini. */
export const geminiBack: BackTranslation = {
  writeRequest,
  readAnswer,
  createReader: () => new GeminiReader(),
  maxEventBytes: MAX_PICTURE_EVENT_BYTES,
};
