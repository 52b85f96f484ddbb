/** A client that sends exactly the bytes a test says and reads answers one by one. */
import net from "node:net";

/** One answer as it came. */
export interface RawAnswer {
  readonly status: number;
  /** Status line and header lines. */
  readonly head: string;
  readonly body: string;
  /** The value of a header (lower case name), if it came. */
  header(name: string): string | undefined;
}

/** A raw connection. */
export interface RawClient extends Disposable {
  readonly socket: net.Socket;
  /** Everything that came, as latin1. */
  readonly received: string;
  /** Resolves when the connection has closed, by whomever. */
  readonly closed: Promise<void>;
  send(data: string | Uint8Array): void;
  /** Resolves with everything that came as soon as it holds `text`. Rejects on close, and after twenty seconds. */
  until(text: string): Promise<string>;
  /** The next whole final answer; rejects on close before it is whole, and after twenty seconds. */
  answer(): Promise<RawAnswer>;
}

/** Only a test that fails waits so long. */
const DEADLINE_MS = 20_000;

/** Connects to the gateway. */
export function rawClient(port: number, options: { readonly allowHalfOpen?: boolean } = {}): RawClient {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: options.allowHalfOpen ?? false });
  let received = "";
  let consumed = 0;
  let ended = false;
  const looks = new Set<() => void>();
  const wake = (): void => {
    for (const look of looks) look();
  };
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
    wake();
  });
  const finished = (): void => {
    ended = true;
    wake();
  };
  socket.on("end", finished);
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      finished();
      resolve();
    });
  });
  function waitFor<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        looks.delete(look);
      };
      const fail = (why: string): void => {
        stop();
        reject(new Error(`${why} before ${what}; received: ${JSON.stringify(received.slice(-2000))}`));
      };
      const timer = setTimeout(() => fail("time was up"), DEADLINE_MS);
      const look = (): void => {
        const found = find();
        if (found === undefined) return void (ended && fail("the connection closed"));
        stop();
        resolve(found);
      };
      looks.add(look);
      look();
    });
  }
  return {
    socket,
    get received() {
      return received;
    },
    closed,
    send(data) {
      socket.write(data);
    },
    until(text) {
      let searched = 0;
      return waitFor(JSON.stringify(text), () => {
        const from = Math.max(0, searched - text.length);
        searched = received.length;
        return received.includes(text, from) ? received : undefined;
      });
    },
    answer: () =>
      waitFor("a whole answer", () => {
        const next = parseAnswer(received.slice(consumed), ended);
        if (next === undefined) return undefined;
        consumed += next.length;
        return next.answer;
      }),
    [Symbol.dispose]() {
      socket.destroy();
    },
  };
}

function parseAnswer(text: string, ended: boolean): { answer: RawAnswer; length: number } | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const head = text.slice(0, headEnd);
  const status = Number(head.split(" ", 2)[1]);
  if (status < 200) {
    const after = parseAnswer(text.slice(headEnd + 4), ended);
    return after === undefined ? undefined : { answer: after.answer, length: headEnd + 4 + after.length };
  }
  const header = (name: string): string | undefined =>
    new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, "im").exec(head)?.[1];
  const body = parseBody(text.slice(headEnd + 4), header, ended);
  if (body === undefined) return undefined;
  return { answer: { status, head, body: body.text, header }, length: headEnd + 4 + body.length };
}

function parseBody(
  text: string,
  header: (name: string) => string | undefined,
  ended: boolean,
): { text: string; length: number } | undefined {
  const length = header("content-length");
  if (length !== undefined) {
    const bytes = Number(length);
    return text.length < bytes ? undefined : { text: text.slice(0, bytes), length: bytes };
  }
  if (header("transfer-encoding") === undefined) return ended ? { text, length: text.length } : undefined;
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const data = lineEnd + 2;
    if (text.length < data + size + 2) return undefined;
    at = data + size + 2;
    if (size === 0) return { text: body, length: at };
    body += text.slice(data, data + size);
  }
}

/** A request with a JSON body, framed by its length. */
export function rawPost(path: string, body: string, fields: readonly string[] = []): string {
  const head = [
    `POST ${path} HTTP/1.1`,
    "host: gateway.test",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    ...fields,
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}
