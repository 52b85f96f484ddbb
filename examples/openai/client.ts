/** Streams one answer through the gateway with the official SDK: only the base URL differs. */
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: process.env["HEADWAITER_URL"] ?? "http://127.0.0.1:8080/v1",
  // The SDK insists on a key; the gateway never passes a client's key on.
  apiKey: "not-needed",
});

const stream = await client.chat.completions.create({
  model: "house",
  messages: [{ role: "user", content: process.argv[2] ?? "Say hello" }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? "");
process.stdout.write("\n");
