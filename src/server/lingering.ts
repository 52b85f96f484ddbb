/**
 * Sockets that have had their last answer and are about to close. Closing one with unread data resets it, and a client that
 * is still sending would lose the answer; so what it still sends is dropped for a moment.
 */
import type { Duplex } from "node:stream";

/** How long a client may take to close its side. */
export const LINGER_MS = 1000;

/** What comes on these is nobody's business any more, errors included. */
export const lingering = new WeakSet<Duplex>();

/** Destroys `socket` unless its peer closes it before {@link LINGER_MS} are over. */
export function lingerThenDestroy(socket: Duplex): void {
  lingering.add(socket);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}
