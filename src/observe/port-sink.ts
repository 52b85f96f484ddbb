/** Log lines from one thread to another: memory crosses with its lines, and crosses back when they have been written. */
import type { MessagePort } from "node:worker_threads";
import type { ChunkOwner, ChunkSink } from "./chunk-sink.ts";

/** The end in the thread that has lines. For one owner. */
export class PortSink implements ChunkSink {
  readonly #port: MessagePort;
  #owner: ChunkOwner | null = null;

  /** @param port whose other end is given to {@link receiveLines}; it does not keep the thread alive. */
  constructor(port: MessagePort) {
    this.#port = port;
    port.on("message", (memory: ArrayBuffer) => this.#owner?.reclaim(memory));
    port.unref();
  }

  put(lines: Uint8Array<ArrayBuffer>, owner: ChunkOwner): void {
    this.#owner = owner;
    this.#port.postMessage(lines, [lines.buffer]);
  }
}

/**
 * The end in the thread that writes: feeds `sink` until the port closes. What a thread handed over before it died is
 * written; its memory then has nowhere to go and is freed.
 */
export function receiveLines(port: MessagePort, sink: ChunkSink): void {
  const owner: ChunkOwner = { reclaim: (memory) => port.postMessage(memory, [memory]) };
  port.on("message", (lines: Uint8Array<ArrayBuffer>) => sink.put(lines, owner));
  port.unref();
}
