/** An upstream that speaks HTTP/2: Node's own server. */
import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";

type Handler = (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void;

/** A server on a free port, and what it saw. */
export class Http2Upstream implements AsyncDisposable {
  readonly sessions: http2.ServerHttp2Session[] = [];
  readonly server: http2.Http2Server;

  constructor(settings: http2.Settings, handler: Handler) {
    this.server = http2.createServer({ settings, maxSessionMemory: 1000 });
    this.server.on("session", (session) => {
      this.sessions.push(session);
      session.on("error", () => {});
    });
    this.server.on("stream", (stream, headers) => {
      stream.on("error", () => {});
      handler(stream, headers);
    });
  }

  /** Starts it; dispose it at the end of the test. */
  static async listen(settings: http2.Settings, handler: Handler): Promise<Http2Upstream> {
    const upstream = new Http2Upstream(settings, handler);
    upstream.server.listen(0, "127.0.0.1");
    await once(upstream.server, "listening");
    return upstream;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}

/** A whole answer, `done`. */
export const answer: Handler = (stream) => {
  stream.respond({ ":status": 200 });
  stream.end("done");
};
