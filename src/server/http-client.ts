/** The client's side of one call over HTTP/1.1: its body, its answer, and the moment it leaves. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { GatewayError } from "../core/errors.ts";
import { GrowingBuffer } from "../core/growing-buffer.ts";
import { jitteredMs } from "../relay/retry-after.ts";
import type { Client, ClientStream, ClientStreamEvents } from "../relay/client.ts";
import type { Coalescer } from "./coalescer.ts";
import { LINGER_MS, lingering } from "./lingering.ts";
import type { FramePool } from "./frame-pool.ts";
import { limitDelivery, StreamWriter } from "./stream-writer.ts";
import type { StreamLimits, WaitingBytes } from "./stream-writer.ts";

/** How much is still read of a body that was refused, so that the client gets to see the refusal. */
const LINGER_BYTES = 8 * 1024 * 1024;
/** All bodies of the loop that are not whole yet, together: a thousand clients must not hold 32 MiB each. */
const MAX_RECEIVING_BYTES = 512 * 1024 * 1024;
const OVERLOADED_RETRY_MS = 1000;
/** libuv writes text up to this from its stack. */
const ONE_WRITE_BYTES = 16 * 1024 - 1024;

/** What the clients of one loop share. */
export interface ClientResources {
  readonly frames: FramePool;
  readonly limits: StreamLimits;
  readonly coalescer: Coalescer;
  readonly waiting: WaitingBytes;
  readonly maxBodyBytes: number;
  /** Bytes of all bodies that are not whole yet. */
  readonly receiving: { bytes: number };
  /** Streams by their socket, for the socket's stall timer. */
  readonly streams: WeakMap<Socket, StreamWriter>;
}

/** See the file's comment. */
export class HttpClient implements Client {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #resources: ClientResources;
  #stream: StreamWriter | null = null;
  /** The request has been read to its end, so the connection can carry another. */
  #received = false;
  #expectsContinue: boolean;
  /** This request's part of {@link ClientResources.receiving}. */
  #receivingBytes = 0;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    resources: ClientResources,
    expectsContinue: boolean,
  ) {
    this.#request = request;
    this.#response = response;
    this.#resources = resources;
    this.#expectsContinue = expectsContinue;
  }

  receive(done: (body: Buffer | GatewayError) => void): void {
    const { maxBodyBytes } = this.#resources;
    const tooLarge = (): GatewayError =>
      new GatewayError("body_too_large", { message: `The request body is larger than ${maxBodyBytes} bytes.` });
    const declared = Number(this.#request.headers["content-length"] ?? 0);
    if (declared > maxBodyBytes) return done(tooLarge());
    if (this.#expectsContinue) {
      this.#expectsContinue = false;
      this.#response.writeContinue();
    }
    const { receiving } = this.#resources;
    // The request lives as long as its answer, and these listeners with it; what they gather is taken out at the end.
    const gathered = new GrowingBuffer();
    const onData = (piece: Buffer): void => {
      if (gathered.length + piece.length > maxBodyBytes) return refuse(tooLarge());
      if (receiving.bytes + piece.length > MAX_RECEIVING_BYTES) {
        return refuse(new GatewayError("overloaded", { retryAfterMs: jitteredMs(OVERLOADED_RETRY_MS) }));
      }
      receiving.bytes += piece.length;
      this.#receivingBytes += piece.length;
      // node:http makes a buffer for each piece, and most bodies are one.
      gathered.adopt(piece);
    };
    const onEnd = (): void => {
      this.#received = true;
      this.#giveBack();
      done(gathered.take());
    };
    const refuse = (error: GatewayError): void => {
      this.#request.off("data", onData).off("end", onEnd);
      // Whatever made it seem small enough to be dropped: it goes on.
      this.#received = false;
      this.#giveBack();
      gathered.take();
      done(error);
    };
    this.#request.on("data", onData).on("end", onEnd);
  }

  answer(status: number, headers: string[], body: Buffer | string): void {
    const response = this.#response;
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    headers.push("content-length", String(length));
    if (this.#received) {
      response.writeHead(status, headers);
      // As one-byte text the body joins the head in one string and one write; beside a string a buffer costs a gathering one.
      if (typeof body !== "string" && length <= ONE_WRITE_BYTES) response.end(body.toString("latin1"), "latin1");
      else response.end(body);
      limitDelivery(response, response.socket, this.#resources.limits.stallTimeoutMs);
      return;
    }
    // Part of the request is still to come. It can't be told from a next request, so the connection ends.
    headers.push("connection", "close");
    response.writeHead(status, headers);
    this.#linger(body);
  }

  begin(status: number, headers: string[], events: ClientStreamEvents): ClientStream {
    const socket = this.#response.socket!;
    const chunked = this.#request.httpVersionMinor === 1;
    // node would announce chunks to an HTTP/1.0 client that sends `TE: chunked`.
    this.#response.useChunkedEncodingByDefault = chunked;
    this.#response.writeHead(status, headers);
    const { frames, limits, coalescer, waiting } = this.#resources;
    this.#stream = new StreamWriter(this.#response, socket, { frames, limits, coalescer, waiting, events, chunked });
    this.#resources.streams.set(socket, this.#stream);
    return this.#stream;
  }

  /** The body has been read elsewhere or there is none: the connection may be kept. */
  markReceived(): void {
    this.#received = true;
  }

  /** The response is closed, one way or another. */
  close(): void {
    this.#giveBack();
    this.#stream?.close();
  }

  #giveBack(): void {
    this.#resources.receiving.bytes -= this.#receivingBytes;
    this.#receivingBytes = 0;
  }

  /**
   * Closing a socket with unread data resets it, and a client that is still sending would lose the answer. So the rest of
   * the body is read and dropped for a moment, and only then the response ended.
   */
  #linger(body: Buffer | string): void {
    const request = this.#request;
    const response = this.#response;
    response.write(body);
    if (response.socket !== null) lingering.add(response.socket);
    let dropped = 0;
    const finish = (): void => {
      clearTimeout(timer);
      request.off("data", drop).off("end", finish);
      response.end();
      limitDelivery(response, response.socket, this.#resources.limits.stallTimeoutMs);
    };
    const drop = (piece: Buffer): void => {
      dropped += piece.length;
      if (dropped > LINGER_BYTES) finish();
    };
    const timer = setTimeout(finish, LINGER_MS);
    response.once("close", () => clearTimeout(timer));
    request.on("data", drop).on("end", finish);
    // A client that waits for 100 Continue sends nothing more.
    if (this.#expectsContinue || request.complete) finish();
  }
}
