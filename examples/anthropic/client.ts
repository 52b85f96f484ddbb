/** Streams one answer through the gateway with Anthropic's official SDK, from a model of another provider. */
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: process.env["HEADWAITER_URL"] ?? "http://127.0.0.1:8080",
  // The SDK insists on a key; the gateway never passes a client's key on.
  apiKey: "not-needed",
});

const stream = client.messages.stream({
  model: "house",
  max_tokens: 1000,
  messages: [{ role: "user", content: process.argv[2] ?? "Say hello" }],
});
stream.on("text", (text) => process.stdout.write(text));
await stream.finalMessage();
process.stdout.write("\n");
