/** What the parts that share limits over processes know of each other. */
import type { TimerWheel } from "../../core/timer-wheel.ts";
import type { SliceKeeper } from "../limiter.ts";
import type { RedisLink } from "./redis-link.ts";

/** An account that several processes share. */
export interface SharedAccount {
  /** The same in all processes, e.g. `tenant:acme tokens/1m`. */
  readonly name: string;
  /** Those of one group are decided on together: `tenant:acme`, `upstream:openai`. Redis keeps a group on one node. */
  readonly group: string;
  /** Whole, 0 or more; at most 2^53 / 4. */
  readonly limit: number;
  /** Milliseconds; `null` for a gauge. */
  readonly windowMs: number | null;
}

/** What a group works with. */
export interface GroupContext {
  /** This process, as Redis knows it. */
  readonly process: string;
  readonly link: RedisLink;
  readonly keeper: SliceKeeper;
  /** For deadlines. */
  readonly wheel: TimerWheel;
  /** By index; `undefined` where there is none, or none any more. */
  readonly account: (index: number) => SharedAccount | undefined;
  /** Whether Redis has been another for so short that what it does not know may be lost. */
  readonly doubts: () => boolean;
}

/** A group's key: all keys of a group have one hash tag, so one node of a cluster has them all. */
export function keyOf(group: string, rest: string): string {
  return `{hw:${group}}:${rest}`;
}
