/** HTTP/2 out of the simulated provider, over node:http2's streams. */

import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { gatherBody } from "./gather.ts";
import type { Asked, Outlet } from "./outlet.ts";

export class Http2Asked implements Asked {
  readonly method: string;
  readonly target: string;
  readonly #headers: IncomingHttpHeaders;
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.method = String(headers[":method"]);
    this.target = String(headers[":path"]);
    this.#headers = headers;
    this.#stream = stream;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  gather(maxBytes: number, done: (body: Buffer | undefined) => void): void {
    gatherBody(this.#stream, maxBytes, done);
  }
}

export class Http2Outlet implements Outlet {
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    stream.on("error", ignore);
  }

  reply(status: number, headers: Readonly<Record<string, string>>, json: string): void {
    const stream = this.#stream;
    if (gone(stream)) return;
    // Connection-level fields do not exist in HTTP/2.
    const { connection: _, ...fields } = headers;
    stream.respond({
      ":status": status,
      "content-type": "application/json",
      "content-length": json.length,
      ...fields,
    });
    stream.end(json, "latin1");
    // Without this a request whose body nobody reads never closes.
    stream.resume();
  }

  start(contentType: string, text: string): boolean {
    if (gone(this.#stream)) return true;
    this.#stream.respond({ ":status": 200, "content-type": contentType, "cache-control": "no-cache" });
    return this.#stream.write(text, "latin1");
  }

  write(text: string): boolean {
    return gone(this.#stream) || this.#stream.write(text, "latin1");
  }

  onceDrained(callback: () => void): void {
    this.#stream.once("drain", callback);
  }

  end(text: string): void {
    if (!gone(this.#stream)) this.#stream.end(text, "latin1");
  }

  cut(): void {
    // Not close(): it ends the writable side first, and then what arrives is a proper END_STREAM and no reset.
    if (!gone(this.#stream)) this.#stream.destroy(new Error("Cut, as asked."));
  }

  onceClosed(callback: () => void): void {
    this.#stream.once("close", callback);
  }
}

function gone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}

// The close that follows an error ends the answer.
function ignore(): void {}
