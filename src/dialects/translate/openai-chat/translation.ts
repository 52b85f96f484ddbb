/** OpenAI's chat completions API as a front and as a back. */
import type { BackTranslation, FrontTranslation } from "../translation.ts";
import { MAX_PICTURE_EVENT_BYTES } from "../sse-events.ts";
import { USUAL_QUIRKS, quirksOf } from "./quirks.ts";
import type { ChatQuirks } from "./quirks.ts";
import { readAnswer } from "./read-answer.ts";
import { readRequest } from "./read-request.ts";
import { ChatStreamReader } from "./read-stream.ts";
import { writeAnswer } from "./write-answer.ts";
import { writeRequest } from "./write-request.ts";
import { ChatStreamWriter } from "./write-stream.ts";

/** `POST /v1/chat/completions` as callers know it. */
export const openaiChatFront: FrontTranslation = {
  readRequest: (body) => readRequest(body),
  writeAnswer,
  createWriter: (context) => new ChatStreamWriter(context),
};

/** The same as upstreams know it, at an address that nothing is known of. */
export const openaiChatBack: BackTranslation = backWith(USUAL_QUIRKS);

const backs = new Map<ChatQuirks, BackTranslation>([[USUAL_QUIRKS, openaiChatBack]]);

/** @param hostname of the endpoint's URL, such as `api.mistral.ai`. @returns the same object for the same quirks. */
export function openaiChatBackAt(hostname: string): BackTranslation {
  const quirks = quirksOf(hostname);
  const known = backs.get(quirks) ?? backWith(quirks);
  backs.set(quirks, known);
  return known;
}

function backWith(quirks: ChatQuirks): BackTranslation {
  return {
    writeRequest: (request) => writeRequest(request, quirks),
    readAnswer,
    createReader: () => new ChatStreamReader(),
    // OpenRouter's models draw, too.
    maxEventBytes: MAX_PICTURE_EVENT_BYTES,
  };
}
