/**
 * The client's side of a call, as the relay sees it. `server/` implements it over HTTP/1.1.
 *
 * Like the upstream port it is made of plain calls: a token event crosses it as one `append` and one `flush`.
 */
import type { GatewayError } from "../core/errors.ts";

/** What a stream to a client reports back. Nothing comes after `end()` was delivered or `cut()` was called. */
export interface ClientStreamEvents {
  /** The client takes less than comes: stop the upstream. */
  onBlocked(): void;
  /** Everything kept for the client has been taken: go on. */
  onUnblocked(): void;
  /** The client has taken nothing for `streams.stall_timeout`. */
  onStalled(): void;
  /** After `end()`: the last byte is with the kernel. */
  onDelivered(): void;
}

/** An answer that is delivered piece by piece. */
export interface ClientStream {
  /** Whether bytes wait here because the client does not take them. */
  readonly blocked: boolean;
  /** Takes a copy of `bytes[start, end)`; leaves with the next {@link flush}. */
  append(bytes: Buffer, start: number, end: number): void;
  /** Sends what was appended, in one write. */
  flush(): void;
  /** Sends it at the latest when `streams.coalesce` says, together with what is appended until then. */
  flushSoon(): void;
  /** The answer is complete. Whatever still waits is delivered first. */
  end(): void;
  /** Breaks the connection off, so that the client can't take what it has for the whole. */
  cut(): void;
}

/** The client of one call. */
export interface Client {
  /** Collects the request's body. `done` is called once, unless the client leaves before. */
  receive(done: (body: Buffer | GatewayError) => void): void;
  /** Sends a whole answer. @param headers flat pairs. */
  answer(status: number, headers: string[], body: Buffer | string): void;
  /** Starts an answer of unknown length; its head leaves together with the first flush. @param headers flat pairs. */
  begin(status: number, headers: string[], events: ClientStreamEvents): ClientStream;
}
