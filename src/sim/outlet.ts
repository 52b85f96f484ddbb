/** The port between an answer and the protocol it leaves by. All text is ASCII. */

/** A request, as far as an answer is decided by it. */
export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** The first value of a header field. @param name In lower case. */
  header(name: string): string | undefined;
  /**
   * Gathers the body and calls `done` once: with all of it, or with `undefined` where it is longer than `maxBytes`; never
   * if the client leaves first.
   */
  gather(maxBytes: number, done: (body: Buffer | undefined) => void): void;
}

/** Where one answer goes. Nothing here throws or emits an error; once {@link closed} everything is ignored. */
export interface Outlet {
  /** Answers in one piece. `headers` are pairs besides content-type and length. */
  reply(status: number, headers: Readonly<Record<string, string>>, json: string): void;
  /** Starts a streamed answer: status 200, this type, and the first piece of the body. @returns As {@link write}. */
  start(contentType: string, text: string): boolean;
  /** One more piece. @returns Whether more can follow at once; if not, wait for {@link onceDrained}. */
  write(text: string): boolean;
  /** Calls back when what was written has left for the kernel, unless the client leaves first. */
  onceDrained(callback: () => void): void;
  /** The last piece. */
  end(text: string): void;
  /** Ends the connection (HTTP/1.1) or resets the stream (HTTP/2) in the middle of the answer. */
  cut(): void;
  /** Calls back once when nothing can be sent any more: the answer is complete, was cut, or the client has gone. */
  onceClosed(callback: () => void): void;
}
