/** An upstream whose streams go on, a token every few milliseconds, until a test ends them: none is over before it should be. */
import { DONE_EVENTS, LAST_CHUNK, STREAM_HEAD, chunk, startScripted, tokenEvent } from "./scripted-upstream.ts";
import { chat } from "./gateway.ts";

/** See the file's comment. */
export interface TokenUpstream extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Streams that are open. */
  readonly open: number;
  /** Ends every stream that is open, each with how many tokens it had. */
  finish(): void;
}

/** Starts it on a free port. @param gapMs between two tokens of a stream. */
export async function startTokens(gapMs: number): Promise<TokenUpstream> {
  const streams = new Set<{ end(): void }>();
  const upstream = await startScripted(({ socket }) => {
    let tokens = 0;
    const say = (): void => void socket.write(chunk(tokenEvent(`{${tokens++}}`)));
    socket.write(STREAM_HEAD);
    say();
    const timer = setInterval(say, gapMs);
    const stop = (): void => {
      clearInterval(timer);
      streams.delete(stream);
    };
    const stream = {
      end() {
        stop();
        socket.write(chunk(tokenEvent(`[${tokens}]`) + DONE_EVENTS).toString() + LAST_CHUNK);
      },
    };
    streams.add(stream);
    socket.once("close", stop);
  });
  return {
    url: upstream.url,
    get open() {
      return streams.size;
    },
    finish() {
      for (const stream of streams) stream.end();
    },
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

/**
 * Reads one of its streams through a gateway, on a connection of its own.
 *
 * @returns `whole` when each token came once, in order, none was missing, and then the end.
 */
export async function readTokens(url: string): Promise<string> {
  const headers = { "content-type": "application/json", connection: "close" };
  let text = "";
  try {
    const answer = await fetch(`${url}/v1/chat/completions`, { method: "POST", body: chat({ stream: true }), headers });
    for await (const bytes of answer.body!) text += Buffer.from(bytes).toString("latin1");
  } catch {
    return "cut";
  }
  const indices = [...text.matchAll(/\{(\d+)\}/g)].map(([, index]) => Number(index));
  const isWhole = indices.every((index, i) => index === i) && text.includes(`"[${indices.length}]"`);
  return isWhole && text.endsWith("data: [DONE]\n\n") ? "whole" : `neither: ${text.slice(-500)}`;
}
