/**
 * In the place of a client that has left while its tenant wants the answer finished (`on_disconnect: finish`): takes
 * everything, at once, and keeps nothing.
 */
import type { Client, ClientStream, ClientStreamEvents } from "./client.ts";

class AbsentStream implements ClientStream {
  readonly blocked = false;
  readonly #events: ClientStreamEvents;

  constructor(events: ClientStreamEvents) {
    this.#events = events;
  }

  append(): void {}

  flush(): void {}

  flushSoon(): void {}

  end(): void {
    this.#events.onDelivered();
  }

  cut(): void {}
}

/** See the file's comment. */
export const ABSENT_CLIENT: Client = {
  receive() {},
  answer() {},
  begin: (_status, _headers, events) => new AbsentStream(events),
};
