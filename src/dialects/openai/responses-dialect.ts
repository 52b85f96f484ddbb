/** OpenAI's Responses API as a {@link Dialect}: as the rest of OpenAI's, but for its streams. */
import type { GatewayError } from "../../core/errors.ts";
import type { Dialect } from "../dialect.ts";
import { openai } from "./dialect.ts";
import { ResponsesScan } from "./responses-scan.ts";

/** See the file's comment. */
export const openaiResponses: Dialect = {
  ...openai,
  errorEvent: (error: GatewayError) => {
    const data = { type: "error", code: error.code, message: error.message, param: error.param ?? null };
    return `event: error\ndata: ${JSON.stringify(data)}\n\n`;
  },
  createScan: (options) => new ResponsesScan(options),
};
