/** Asks one model through the gateway by way of each provider of Vercel's AI SDK: each speaks its own API, and only the base URL differs. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";

const origin = process.env["HEADWAITER_URL"] ?? "http://127.0.0.1:8080";
// The SDK insists on a key; the gateway never passes a client's key on.
const apiKey = "not-needed";

const models = {
  openai: createOpenAI({ apiKey, baseURL: `${origin}/v1` })("house"),
  anthropic: createAnthropic({ apiKey, baseURL: `${origin}/v1` })("house"),
  google: createGoogleGenerativeAI({ apiKey, baseURL: `${origin}/v1beta` })("house"),
};

for (const [provider, model] of Object.entries(models)) {
  process.stdout.write(`${provider}: `);
  const { textStream } = streamText({
    model,
    prompt: process.argv[2] ?? "Say hello",
    // With tools, earlier steps are then sent whole and not by ids that only OpenAI knows.
    providerOptions: { openai: { store: false } },
  });
  for await (const text of textStream) process.stdout.write(text);
  process.stdout.write("\n");
}
