/**
 * Writes a stream to a client's socket: one chunk and one system call for all that one read of the upstream brought.
 *
 * The head goes through node:http; the body's chunks are framed here and written to the socket itself, since
 * `ServerResponse.write` costs several times the copy and the write together. Chunks are framed in buffers that all streams of
 * the loop share, each free again as soon as the kernel has taken its bytes, so a token event allocates nothing but a view.
 * When the kernel does not take them, the client is slow: the buffer stays with that write, and the stream gathers in a queue
 * of its own until the client has caught up.
 */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { ClientStream, ClientStreamEvents } from "../relay/client.ts";
import { Coalesced } from "./coalescer.ts";
import type { Coalescer } from "./coalescer.ts";
import { CHUNK_END_BYTES, FRAME_DATA_BYTES, SIZE_LINE_BYTES } from "./frame-pool.ts";
import type { FramePool } from "./frame-pool.ts";

const HEX = Buffer.from("0123456789abcdef");
const CR = 0x0d;
const LF = 0x0a;
const NOTHING = Buffer.alloc(0);

/** Bounds on what waits for one slow client. */
export interface StreamLimits {
  /** `streams.max_buffer`: the upstream is paused at a quarter of it, since a flow-control window may still be under way. */
  readonly maxBufferBytes: number;
  readonly stallTimeoutMs: number;
}

/**
 * After `response.end()`: a client that does not take the rest is cut. node:http itself would wait for ever, since its
 * keep-alive timeout begins when the answer has left.
 */
export function limitDelivery(response: ServerResponse, socket: Socket | null, stallTimeoutMs: number): void {
  if (socket === null || socket.writableLength === 0) return;
  socket.setTimeout(stallTimeoutMs);
  // First, so that node's own listener sets the keep-alive timeout after it.
  response.prependOnceListener("finish", () => socket.setTimeout(0));
}

/** What waits for clients, of all streams of a loop. */
export interface WaitingBytes {
  bytes: number;
}

interface StreamOptions {
  readonly frames: FramePool;
  readonly limits: StreamLimits;
  readonly coalescer: Coalescer;
  readonly waiting: WaitingBytes;
  readonly events: ClientStreamEvents;
  readonly chunked: boolean;
}

/** One stream to one client. */
export class StreamWriter extends Coalesced implements ClientStream {
  readonly #response: ServerResponse;
  readonly #socket: Socket;
  readonly #frames: FramePool;
  readonly #limits: StreamLimits;
  readonly #coalescer: Coalescer;
  readonly #waiting: WaitingBytes;
  readonly #events: ClientStreamEvents;
  readonly #chunked: boolean;
  /** TLS keeps a reference to what it is given until later, so it never gets the shared buffer. */
  readonly #shares: boolean;
  /** Where this stream gathers; `null` while it has nothing. */
  #frame: Buffer | null = null;
  #gathered = 0;
  /** What could not be put into a frame or has to wait; `null` while nothing does. */
  #queue: Buffer[] | null = null;
  #queuedBytes = 0;
  /** This stream's part of {@link WaitingBytes}. */
  #countedBytes = 0;
  #blocked = false;
  #paused = false;
  #headPending = true;
  #ending = false;
  #closed = false;

  constructor(response: ServerResponse, socket: Socket, options: StreamOptions) {
    super();
    this.#response = response;
    this.#socket = socket;
    this.#frames = options.frames;
    this.#limits = options.limits;
    this.#coalescer = options.coalescer;
    this.#waiting = options.waiting;
    this.#events = options.events;
    this.#chunked = options.chunked;
    this.#shares = !("encrypted" in socket);
    // Head and first chunk leave together.
    socket.cork();
    response.flushHeaders();
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  /** Nothing more will be written. */
  get closed(): boolean {
    return this.#closed;
  }

  append(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.#blocked || this.#queue !== null || !this.#shares || this.#gathered + length > FRAME_DATA_BYTES) {
      return this.#enqueue(bytes, start, end);
    }
    this.#frame ??= this.#frames.take();
    if (this.#frame === null) return this.#enqueue(bytes, start, end);
    bytes.copy(this.#frame, SIZE_LINE_BYTES + this.#gathered, start, end);
    this.#gathered += length;
  }

  flush(): void {
    if (this.listNext !== null) this.#coalescer.delete(this);
    if (this.#closed || this.#blocked) return;
    if (this.#queue !== null) this.#flushQueue();
    else if (this.#frame !== null) this.#flushFrame(this.#frame);
    if (!this.#headPending) return;
    this.#headPending = false;
    this.#socket.uncork();
    this.#checkBlocked();
  }

  flushSoon(): void {
    if (this.#coalescer.waitMs === 0 || this.#blocked || this.#headPending) return this.flush();
    if (this.#queuedBytes + this.#gathered >= this.#limits.maxBufferBytes / 4) return this.flush();
    if (this.listNext !== null) return;
    // A frame is for what leaves in this turn.
    if (this.#frame !== null) this.#queueFrame();
    if (this.#queue !== null) this.#coalescer.add(this);
  }

  override onLeave(): void {
    this.flush();
  }

  end(): void {
    if (this.#closed) return;
    this.#ending = true;
    this.flush();
    if (!this.#blocked) this.#finish();
  }

  cut(): void {
    if (this.#closed) return;
    this.#close();
    // Without chunks an end is told from a break only by a reset.
    if (this.#chunked || !this.#shares) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  /** The socket's stall timer has run out. */
  stalled(): void {
    if (!this.#closed && this.#blocked) this.#events.onStalled();
  }

  /** The client is gone: forget what waits. */
  close(): void {
    this.#close();
  }

  #flushFrame(frame: Buffer): void {
    const length = this.#gathered;
    this.#gathered = 0;
    this.#frame = null;
    if (this.#headPending) {
      // The head is still held back, and so will this be: in a buffer of its own size.
      this.#write(Buffer.from(frame.subarray(0, SIZE_LINE_BYTES + length + CHUNK_END_BYTES)), length);
      return this.#frames.give(frame);
    }
    this.#write(frame, length);
    if (this.#socket.writableLength === 0) return this.#frames.give(frame);
    // The kernel did not take it all: the write keeps the frame.
    this.#frames.leave();
    this.#checkBlocked();
  }

  #flushQueue(): void {
    const queue = this.#queue!;
    const length = this.#queuedBytes;
    this.#queue = null;
    this.#queuedBytes = 0;
    this.#count(0);
    const bytes = Buffer.allocUnsafe(SIZE_LINE_BYTES + length + CHUNK_END_BYTES);
    let at = SIZE_LINE_BYTES;
    for (const piece of queue) at += piece.copy(bytes, at);
    this.#write(bytes, length);
    this.#checkBlocked();
  }

  /** Frames `length` bytes that stand behind the size line's room, and writes them. */
  #write(bytes: Buffer, length: number): void {
    if (!this.#chunked) {
      this.#socket.write(bytes.subarray(SIZE_LINE_BYTES, SIZE_LINE_BYTES + length));
      return;
    }
    let at = SIZE_LINE_BYTES;
    bytes[--at] = LF;
    bytes[--at] = CR;
    for (let rest = length; rest > 0; rest >>>= 4) bytes[--at] = HEX[rest & 15]!;
    const end = SIZE_LINE_BYTES + length;
    bytes[end] = CR;
    bytes[end + 1] = LF;
    this.#socket.write(bytes.subarray(at, end + CHUNK_END_BYTES));
  }

  #enqueue(bytes: Buffer, start: number, end: number): void {
    if (this.#closed) return;
    // What was gathered in the frame comes first.
    if (this.#frame !== null) this.#queueFrame();
    this.#queue ??= [];
    this.#queue.push(Buffer.from(bytes.subarray(start, end)));
    this.#queuedBytes += end - start;
    this.#count(this.#queuedBytes);
    if (this.#blocked && !this.#paused && this.#queuedBytes >= this.#limits.maxBufferBytes / 4) {
      this.#paused = true;
      this.#events.onBlocked();
    }
  }

  #queueFrame(): void {
    this.#queue = [Buffer.from(this.#frame!.subarray(SIZE_LINE_BYTES, SIZE_LINE_BYTES + this.#gathered))];
    this.#queuedBytes = this.#gathered;
    this.#dropFrame();
    this.#count(this.#queuedBytes);
  }

  /** Says how much of this stream waits: what is queued, and what the kernel has not taken. */
  #count(queuedBytes: number): void {
    const waitingBytes = queuedBytes + (this.#blocked ? this.#socket.writableLength : 0);
    this.#waiting.bytes += waitingBytes - this.#countedBytes;
    this.#countedBytes = waitingBytes;
  }

  /** After a write: does anything wait for the client? */
  #checkBlocked(): void {
    if (this.#blocked || this.#headPending || this.#socket.writableLength === 0) return;
    this.#blocked = true;
    this.#count(this.#queuedBytes);
    this.#socket.setTimeout(this.#limits.stallTimeoutMs);
    // `drain` comes only after a full buffer. An empty write is done when everything before it is.
    this.#socket.write(NOTHING, (error) => {
      if (error === null || error === undefined) this.#onUnblocked();
    });
  }

  #onUnblocked(): void {
    if (this.#closed) return;
    this.#blocked = false;
    this.#count(this.#queuedBytes);
    this.#socket.setTimeout(0);
    this.flush();
    if (this.#blocked) return;
    if (this.#ending) return this.#finish();
    if (!this.#paused) return;
    this.#paused = false;
    this.#events.onUnblocked();
  }

  #finish(): void {
    this.#close();
    // Writes the last chunk and gives the connection back to node:http for the next request.
    this.#response.end();
    limitDelivery(this.#response, this.#socket, this.#limits.stallTimeoutMs);
    this.#events.onDelivered();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#coalescer.delete(this);
    this.#waiting.bytes -= this.#countedBytes;
    this.#countedBytes = 0;
    this.#queue = null;
    this.#dropFrame();
    if (this.#blocked) this.#socket.setTimeout(0);
    if (this.#headPending) this.#socket.uncork();
    this.#headPending = false;
  }

  #dropFrame(): void {
    if (this.#frame !== null) this.#frames.give(this.#frame);
    this.#frame = null;
    this.#gathered = 0;
  }
}
