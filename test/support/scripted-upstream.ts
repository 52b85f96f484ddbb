/** An upstream that does exactly what a test says, byte for byte, over raw sockets. */
import net from "node:net";
import { once } from "node:events";

/** One request as the upstream received it. */
export interface ReceivedRequest {
  /** Request line and header lines. */
  readonly head: string;
  readonly body: Buffer;
  readonly socket: net.Socket;
  /** Place among the requests of this connection, from 0. */
  readonly index: number;
  /** The value of a header (lower case name), if it came. */
  header(name: string): string | undefined;
}

/** A running scripted upstream. */
export interface ScriptedUpstream extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** Connections that are open now. */
  readonly open: ReadonlySet<net.Socket>;
  /** Connections so far. */
  readonly accepted: number;
  /** Resolves when no connection is open. */
  allClosed(): Promise<void>;
}

/** Starts an upstream; `script` is called with each request once its body is whole. */
export async function startScripted(
  script: (request: ReceivedRequest) => void | Promise<void>,
): Promise<ScriptedUpstream> {
  const requests: ReceivedRequest[] = [];
  const open = new Set<net.Socket>();
  let accepted = 0;
  const server = net.createServer((socket) => {
    accepted++;
    open.add(socket);
    let received = Buffer.alloc(0);
    let index = 0;
    socket.on("error", () => {});
    socket.on("close", () => {
      open.delete(socket);
      server.emit("connectionClosed");
    });
    socket.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      for (;;) {
        const end = received.indexOf("\r\n\r\n");
        if (end === -1) return;
        const head = received.toString("latin1", 0, end);
        const header = (name: string): string | undefined =>
          new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, "im").exec(head)?.[1];
        const length = Number(header("content-length") ?? 0);
        if (received.length < end + 4 + length) return;
        const body = Buffer.from(received.subarray(end + 4, end + 4 + length));
        received = received.subarray(end + 4 + length);
        const request: ReceivedRequest = { head, body, socket, index: index++, header };
        requests.push(request);
        void script(request);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    open,
    get accepted() {
      return accepted;
    },
    async allClosed() {
      while (open.size > 0) await once(server, "connectionClosed");
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A whole response with a content-length. */
export function response(status: number, body: string | Buffer, headers: Record<string, string> = {}): Buffer {
  const bytes = Buffer.from(body as string);
  const fields = { "content-type": "application/json", ...headers, "content-length": String(bytes.length) };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} X\r\n${lines.join("")}\r\n`, "latin1"), bytes]);
}

/** The head of an event stream in chunks. */
export const STREAM_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/** One chunk. */
export function chunk(data: string | Buffer): Buffer {
  const bytes = Buffer.from(data as string);
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** The end of a body in chunks. */
export const LAST_CHUNK = "0\r\n\r\n";

/** One OpenAI token event. */
export function tokenEvent(text: string): string {
  const choices = [{ index: 0, delta: { content: text }, finish_reason: null }];
  return `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", model: "m", choices })}\n\n`;
}

/** The end of an OpenAI stream. */
export const DONE_EVENTS = `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`;
