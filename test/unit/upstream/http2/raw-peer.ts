/** An HTTP/2 server made of hand-written frames, for tests: it does what it is told, however wrong that is. */
import { once } from "node:events";
import net from "node:net";

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;
export const FRAME = { DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION } as const;

const END_STREAM = 0x1;
const END_HEADERS = 0x4;
const ACK = 0x1;
const PREFACE_BYTES = 24;
const MAX_FRAME_BYTES = 16_384;

/** A frame as received. */
interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
  return bytes;
}

/** HPACK: a literal field, not indexed, not compressed. */
export function field(name: string, value: string): Buffer {
  const text = (text: string): Buffer => Buffer.concat([length(text.length), Buffer.from(text, "latin1")]);
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

function length(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** SETTINGS with MAX_CONCURRENT_STREAMS. */
export function settings(maxStreams: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(3, 0);
  payload.writeUInt32BE(maxStreams, 2);
  return frame(SETTINGS, 0, 0, payload);
}

/** A header block, cut into CONTINUATION frames where it is large. */
export function headers(stream: number, fields: readonly Buffer[], options: { readonly end?: boolean } = {}): Buffer {
  const block = Buffer.concat(fields);
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += MAX_FRAME_BYTES) {
    const last = at + MAX_FRAME_BYTES >= block.length ? END_HEADERS : 0;
    const end = at === 0 && options.end === true ? END_STREAM : 0;
    frames.push(frame(at === 0 ? HEADERS : CONTINUATION, last | end, stream, block.subarray(at, at + MAX_FRAME_BYTES)));
  }
  return Buffer.concat(frames);
}

/** `:status: 200` and nothing else. */
export function ok(stream: number, options: { readonly end?: boolean } = {}): Buffer {
  return headers(stream, [field(":status", "200")], options);
}

/** One DATA frame. */
export function data(stream: number, bytes: Uint8Array | string, options: { readonly end?: boolean } = {}): Buffer {
  return frame(DATA, options.end === true ? END_STREAM : 0, stream, Buffer.from(bytes as string));
}

export function reset(stream: number, code: number): Buffer {
  return frame(RST_STREAM, 0, stream, numbers(code));
}

export function goaway(lastStream: number, code: number): Buffer {
  return frame(GOAWAY, 0, 0, numbers(lastStream, code));
}

/** The answer to a PING. */
export function pong(payload: Buffer): Buffer {
  return frame(PING, ACK, 0, payload);
}

/** One connection to the peer. Acknowledges SETTINGS and, unless `mute`, PING. */
export class RawConnection {
  readonly socket: net.Socket;
  readonly frames: Frame[] = [];
  mute = false;
  readonly closed: Promise<void>;
  #rest = Buffer.alloc(0);
  #prefaceBytes = PREFACE_BYTES;
  #greeted = false;
  #acksDue = 0;
  #waiting: { readonly match: (frame: Frame) => boolean; readonly resolve: (frame: Frame) => void }[] = [];

  constructor(socket: net.Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (bytes) => this.#take(bytes));
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
  }

  /** Sends frames in one write. */
  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
    this.#greeted = true;
    this.#acknowledge();
  }

  /** Resolves with the first frame, past or to come, of `type` on `stream`. */
  received(type: number, stream: number): Promise<Frame> {
    const match = (frame: Frame): boolean => frame.type === type && frame.stream === stream;
    const found = this.frames.find(match);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.#waiting.push({ match, resolve }));
  }

  /** Resolves when `count` frames of `type` have come. */
  async counted(type: number, count: number): Promise<void> {
    while (this.count(type) < count) await new Promise((resolve) => this.socket.once("data", resolve));
  }

  /** Frames of `type` so far. */
  count(type: number): number {
    return this.frames.filter((frame) => frame.type === type).length;
  }

  #take(bytes: Buffer): void {
    const skipped = Math.min(this.#prefaceBytes, bytes.length);
    this.#prefaceBytes -= skipped;
    this.#rest = Buffer.concat([this.#rest, bytes.subarray(skipped)]);
    while (this.#rest.length >= 9) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < end) return;
      this.#onFrame({
        type: this.#rest[3]!,
        flags: this.#rest[4]!,
        stream: this.#rest.readUInt32BE(5),
        payload: this.#rest.subarray(9, end),
      });
      this.#rest = this.#rest.subarray(end);
    }
  }

  /** The first frame must be SETTINGS, and not an acknowledgement. */
  #acknowledge(): void {
    if (!this.#greeted) return;
    for (; this.#acksDue > 0; this.#acksDue--) this.socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
  }

  #onFrame(frame_: Frame): void {
    this.frames.push(frame_);
    if (frame_.type === SETTINGS && (frame_.flags & ACK) === 0) this.#acksDue++;
    this.#acknowledge();
    if (frame_.type === PING && (frame_.flags & ACK) === 0 && !this.mute) this.send(pong(frame_.payload));
    this.#waiting = this.#waiting.filter((waiting) => {
      if (!waiting.match(frame_)) return true;
      waiting.resolve(frame_);
      return false;
    });
  }
}

/** The listener. */
export class RawPeer implements AsyncDisposable {
  readonly connections: RawConnection[] = [];
  readonly #server = net.createServer({ noDelay: true }, (socket) => this.#onConnection(new RawConnection(socket)));
  readonly #waiting: (() => void)[] = [];
  readonly #greeting: Buffer | undefined;

  constructor(greeting: Buffer | undefined) {
    this.#greeting = greeting;
  }

  /** @param greeting sent on each connection; none when absent. */
  static async listen(greeting?: Buffer): Promise<RawPeer> {
    const peer = new RawPeer(greeting);
    peer.#server.listen(0, "127.0.0.1");
    await once(peer.#server, "listening");
    return peer;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`);
  }

  /** The connection number `index`, from 0, once it has come. */
  async connection(index: number): Promise<RawConnection> {
    while (this.connections.length <= index) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.connections[index]!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.connections) connection.socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #onConnection(connection: RawConnection): void {
    this.connections.push(connection);
    if (this.#greeting !== undefined) connection.send(this.#greeting);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
