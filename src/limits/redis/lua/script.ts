/** A Lua script that Redis runs as one step. */
import { createHash } from "node:crypto";

/** See the file's comment. */
export interface RedisScript {
  /** With the number of keys that are always there; `-n`: more follow. */
  readonly name: string;
  readonly lua: string;
  /** What Redis knows it by. */
  readonly sha1: string;
}

/** Makes one. */
export function redisScript(name: string, lua: string): RedisScript {
  return { name, lua, sha1: createHash("sha1").update(lua).digest("hex") };
}
