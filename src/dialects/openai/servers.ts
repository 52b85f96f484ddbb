/** In what servers that speak OpenAI's API differ beside the chat requests themselves (translate/openai-chat/quirks.ts). */

interface ServerTraits {
  /** Whether it has `/responses`. Elsewhere such requests are translated to chat completions. */
  readonly hasResponses: boolean;
  /** Which field the key is sent in. */
  readonly keyField: "authorization" | "api-key";
}

/** vLLM, SGLang, llama.cpp, Ollama, and whatever is behind an address that no row knows. */
const USUAL: ServerTraits = { hasResponses: false, keyField: "authorization" };
const NATIVE: ServerTraits = { ...USUAL, hasResponses: true };
const AZURE: ServerTraits = { hasResponses: true, keyField: "api-key" };

/** The end of a host's name → its traits. */
const SERVERS: Readonly<Record<string, ServerTraits>> = {
  "api.openai.com": NATIVE,
  "openai.azure.com": AZURE,
  "cognitiveservices.azure.com": AZURE,
  "services.ai.azure.com": AZURE,
  "api.x.ai": NATIVE,
  "api.groq.com": NATIVE,
  "openrouter.ai": NATIVE,
};

/** @param hostname of an endpoint's URL, such as `api.openai.com`. */
export function serverTraits(hostname: string): ServerTraits {
  const known = Object.keys(SERVERS).find((name) => hostname === name || hostname.endsWith(`.${name}`));
  return known === undefined ? USUAL : SERVERS[known]!;
}
