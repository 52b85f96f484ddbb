/** Takes an upstream's answer after its head: as a stream, as one JSON body, or as an error. */
import type { GatewayError } from "../core/errors.ts";
import type { Outcome } from "../core/outcome.ts";

/** One way to relay an answer. The attempt keeps its deadlines; a receiver never sets a timer. */
export interface Receiver {
  /** `bytes[start, end)` of the answer; valid only during the call. */
  onBody(bytes: Buffer, start: number, end: number): void;
  /** The read is over. */
  onFlush(): void;
  /** The answer is complete as HTTP has it. */
  onEnd(): void;
  /** The answer won't be completed. */
  fail(error: GatewayError, outcome: Outcome): void;
  /** The client is gone: let go, send nothing. */
  abandon(): void;
  /** The client is gone and the answer is read to its end all the same: the call's client is another from here on. */
  detach(): void;
  /** Says that the answer is still alive, if that is possible and due. @returns when to ask again, or `Infinity`. */
  heartbeat(nowMs: number): number;
}
