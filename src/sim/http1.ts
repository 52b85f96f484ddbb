/**
 * HTTP/1.1 out of the simulated provider. node:http parses requests and writes heads; the pieces of a stream are framed
 * here and written straight to the socket, one write each, since `ServerResponse.write` makes four writes of one chunk.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { gatherBody } from "./gather.ts";
import type { Asked, Outlet } from "./outlet.ts";

export class Http1Asked implements Asked {
  readonly method: string;
  readonly target: string;
  readonly #request: IncomingMessage;

  constructor(request: IncomingMessage) {
    this.method = request.method ?? "";
    this.target = request.url ?? "";
    this.#request = request;
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  gather(maxBytes: number, done: (body: Buffer | undefined) => void): void {
    gatherBody(this.#request, maxBytes, done);
  }
}

export class Http1Outlet implements Outlet {
  readonly #response: ServerResponse;
  /** False towards an HTTP/1.0 client, which takes the end of the connection for the end of the answer. */
  #chunked = true;

  /** @param response One that has its socket: of pipelined requests, the one whose turn it is. */
  constructor(response: ServerResponse) {
    this.#response = response;
    response.on("error", ignore);
  }

  reply(status: number, headers: Readonly<Record<string, string>>, json: string): void {
    if (this.#response.destroyed) return;
    this.#response.writeHead(status, {
      "content-type": "application/json",
      "content-length": json.length,
      ...headers,
    });
    this.#response.end(json, "latin1");
  }

  start(contentType: string, text: string): boolean {
    const response = this.#response;
    if (response.destroyed) return true;
    response.writeHead(200, { "content-type": contentType, "cache-control": "no-cache" });
    // Through the response once, so that the head and the first piece leave together.
    response.write(text, "latin1");
    this.#chunked = response.chunkedEncoding;
    return this.#response.socket?.writableNeedDrain === false;
  }

  write(text: string): boolean {
    const { socket } = this.#response;
    // Not writable: the client has ended its side, and the close that follows it is on its way.
    if (socket === null || !socket.writable) return true;
    return socket.write(this.#chunked ? `${text.length.toString(16)}\r\n${text}\r\n` : text, "latin1");
  }

  onceDrained(callback: () => void): void {
    this.#response.socket?.once("drain", callback);
  }

  end(text: string): void {
    if (!this.#response.destroyed) this.#response.end(text, "latin1");
  }

  cut(): void {
    this.#response.socket?.destroy();
  }

  onceClosed(callback: () => void): void {
    this.#response.once("close", callback);
  }
}

// The close that follows an error ends the answer.
function ignore(): void {}
