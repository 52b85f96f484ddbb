/** Anthropic's Messages API, `POST /v1/messages`, on both sides. */
import type { BackTranslation, FrontTranslation } from "../translation.ts";
import { MAX_EVENT_BYTES } from "../sse-events.ts";
import { readAnswer } from "./read-answer.ts";
import { readRequest } from "./read-request.ts";
import { AnthropicStreamReader } from "./read-stream.ts";
import { writeAnswer } from "./write-answer.ts";
import { writeRequest } from "./write-request.ts";
import { AnthropicStreamWriter } from "./write-stream.ts";

/** Callers with Anthropic's SDK. */
export const anthropicFront: FrontTranslation = {
  readRequest,
  writeAnswer,
  createWriter: (context) => new AnthropicStreamWriter(context),
};

/** Upstreams that speak Anthropic's API. */
export const anthropicBack: BackTranslation = {
  writeRequest,
  readAnswer,
  createReader: () => new AnthropicStreamReader(),
  maxEventBytes: MAX_EVENT_BYTES,
};
