/**
 * The load client's sockets: raw TCP, all of them reading into one buffer.
 */

import { connect, type Socket } from "node:net";
import type { Target } from "./target.ts";

/**
 * Shared by every socket of the process: `onread` hands the bytes over before any other socket is read, so a stream at
 * rest owns no buffer. 64 KiB is what libuv reads at most at a time.
 */
const readBuffer = Buffer.allocUnsafe(64 * 1024);

interface LoadSocketHandlers {
  /** `bytes[0, sizeBytes)` has come; valid only during the call. */
  readonly onRead: (bytes: Buffer, sizeBytes: number) => void;
  /** The last call: the connection is gone. @param error why, where it did not simply end. */
  readonly onClose: (error: Error | null) => void;
}

/**
 * Opens a connection and sends `firstBytes` over it.
 *
 * @param frozen never reads anything.
 */
export function openLoadSocket(
  target: Target,
  firstBytes: string,
  handlers: LoadSocketHandlers,
  frozen = false,
): Socket {
  const socket = connect({
    host: target.host,
    port: target.port,
    noDelay: true,
    onread: {
      buffer: readBuffer,
      callback: (sizeBytes, bytes) => {
        handlers.onRead(bytes as Buffer, sizeBytes);
        return true;
      },
    },
  });
  let failure: Error | null = null;
  socket.on("error", (error) => {
    failure = error;
  });
  socket.on("close", () => handlers.onClose(failure));
  if (frozen) socket.pause();
  socket.write(firstBytes, "latin1");
  return socket;
}
