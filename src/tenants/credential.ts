/** The key that a client sends, wherever its SDK puts it. */

/** Request fields as node:http gives them. */
type RequestFields = Readonly<Record<string, string | readonly string[] | undefined>>;

const BEARER = /^bearer +/i;

/**
 * The key of a request: `Authorization: Bearer` (OpenAI), else `x-api-key` (Anthropic), else `x-goog-api-key`, else `?key=`
 * (Gemini). What is empty counts as not sent; an `Authorization` of another scheme is somebody else's.
 *
 * @param url the request's target, e.g. `/v1beta/models?key=…`.
 */
export function readCredential(headers: RequestFields, url: string): string | undefined {
  const { authorization } = headers;
  if (typeof authorization === "string" && BEARER.test(authorization)) {
    const token = authorization.replace(BEARER, "").trimEnd();
    if (token !== "") return token;
  }
  return field(headers["x-api-key"]) ?? field(headers["x-goog-api-key"]) ?? queryKey(url);
}

function field(value: RequestFields[string]): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function queryKey(url: string): string | undefined {
  const query = url.indexOf("?");
  if (query === -1 || !url.includes("key=", query)) return undefined;
  const key = new URLSearchParams(url.slice(query + 1)).get("key");
  return key === null || key === "" ? undefined : key;
}
