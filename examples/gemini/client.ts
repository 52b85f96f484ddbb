/** Streams one answer through the gateway with Google's official SDK: only the base URL differs. */
import { GoogleGenAI } from "@google/genai";

const client = new GoogleGenAI({
  // The SDK insists on a key; the gateway never passes a client's key on.
  apiKey: "not-needed",
  httpOptions: { baseUrl: process.env["HEADWAITER_URL"] ?? "http://127.0.0.1:8080" },
});

const stream = await client.models.generateContentStream({
  model: "gemini-2.5-flash",
  contents: process.argv[2] ?? "Say hello",
});
for await (const chunk of stream) process.stdout.write(chunk.text ?? "");
process.stdout.write("\n");
