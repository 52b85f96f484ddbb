/** The end of an answer that passes in bounded memory: by it one sees whether it came whole, and what it says of its usage. */
const TAIL_BYTES = 8 * 1024;

/** See the file's comment. */
export class BodyTail {
  /** The last 8 KiB, a character a byte. */
  text = "";

  /** `bytes[start, end)` of the answer have passed. */
  keep(bytes: Buffer, start: number, end: number): void {
    this.text = (this.text + bytes.toString("latin1", Math.max(start, end - TAIL_BYTES), end)).slice(-TAIL_BYTES);
  }
}
