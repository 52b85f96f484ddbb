/** Moving bytes to another thread without copying them. */
import { isMarkedAsUntransferable } from "node:worker_threads";

/**
 * The memory that has to be moved so that `bytes` go along, or `undefined` where they are copied instead.
 *
 * Small buffers are slices of a pool that node shares between many: that can't be moved. And of a slice that is a small
 * part of what it was cut from (one header field of a read) the rest would go along, and be held for as long.
 */
function transferable(bytes: Uint8Array): ArrayBuffer | undefined {
  const { buffer } = bytes;
  if (!(buffer instanceof ArrayBuffer) || isMarkedAsUntransferable(buffer)) return undefined;
  return bytes.byteLength * 4 < buffer.byteLength ? undefined : buffer;
}

/** The memory of all bytes that stand directly in `value`, for the list of what is moved. */
export function transferList(value: unknown): ArrayBuffer[] {
  if (typeof value !== "object" || value === null) return [];
  const found = new Set<ArrayBuffer>();
  for (const part of Object.values(value)) {
    const buffer = part instanceof Uint8Array ? transferable(part) : undefined;
    if (buffer !== undefined) found.add(buffer);
  }
  return [...found];
}

/** Bytes that came from another thread, which arrive as a plain array, as a Buffer over the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
