/**
 * Where the load goes, and the bytes of the requests that make it.
 */

/** A gateway, a sim, or anything else that answers `/v1/chat/completions`. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Path before `/v1/…`, without a closing slash; mostly empty. */
  readonly basePath: string;
  /** Model asked for. */
  readonly model: string;
  /** Sent as `authorization: Bearer`, where the target wants one. */
  readonly apiKey?: string;
}

/** Makes a target of a base URL, e.g. `http://127.0.0.1:8080`. @throws {Error} when it is not an `http:` URL. */
export function parseTarget(url: string, model: string): Target {
  const parsed = new URL(url);
  if (parsed.protocol !== "http:") throw new Error(`The load client speaks plain HTTP only, not ${parsed.protocol}//`);
  const basePath = parsed.pathname.replace(/\/(?:v1\/?)?$/, "");
  return { host: parsed.hostname, port: Number(parsed.port || "80"), basePath, model };
}

/** What the sim is asked for, as its prompt says it (`sim:t…:g…:n…`). */
export interface SimOrder {
  readonly ttftMs: number;
  readonly gapMs: number;
  readonly tokens: number;
  /** Names the stream in the sim's list of cancelled streams. */
  readonly tag?: number;
  /** So many more bytes in each token event. */
  readonly padBytes?: number;
}

/** The prompt that makes the sim answer as ordered. */
function simPrompt(order: SimOrder): string {
  const tag = order.tag === undefined ? "" : `:i${order.tag}`;
  const pad = order.padBytes === undefined ? "" : `:b${order.padBytes}`;
  return `sim:t${order.ttftMs}:g${order.gapMs}:n${order.tokens}${tag}${pad}`;
}

/** The whole bytes of one chat completion request, as text in ASCII. */
export function chatRequest(target: Target, order: SimOrder, stream: boolean): string {
  const body = JSON.stringify({
    model: target.model,
    stream,
    messages: [{ role: "user", content: simPrompt(order) }],
  });
  const key = target.apiKey === undefined ? "" : `authorization: Bearer ${target.apiKey}\r\n`;
  return (
    `POST ${target.basePath}/v1/chat/completions HTTP/1.1\r\n` +
    `host: ${target.host}:${target.port}\r\n` +
    `content-type: application/json\r\n` +
    key +
    `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
