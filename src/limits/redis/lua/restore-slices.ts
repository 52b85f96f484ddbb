/** What a process tells a Redis that has lost what it knew: what it has leased there that still counts. */
import { redisScript } from "./script.ts";
import { SUB_WINDOWS_LUA } from "./sub-windows.ts";

/**
 * Adds what a process has leased to the accounts, once: not where Redis knows the process. Where it knows none, nothing is leased
 * to anybody for a while, so that others can say what they have leased, too.
 *
 * KEYS: as of `leaseSlices`.
 *
 * ARGV
 * - 1 this process
 * - 2 a slice's life, ms
 * - 3 how long processes are waited for, ms
 * - 4 how long a process is remembered, ms
 * - 5 1 where this is the last call of several: only then does Redis know the process
 * - for each account: windowMs, stepMs, sub-windows, and so many times: sub-window, amount
 *
 * Returns 1 where it was added, 0 where Redis knew the process.
 */
export const RESTORE_SLICES = redisScript(
  "restoreSlices-2-n",
  `${SUB_WINDOWS_LUA}
local process, lifeMs = ARGV[1], tonumber(ARGV[2])
if redis.call('ZSCORE', KEYS[1], process) then return 0 end
if redis.call('ZCARD', KEYS[1]) == 0 then redis.call('SET', KEYS[2], 1, 'PX', tonumber(ARGV[3])) end
if ARGV[5] == '1' then
  redis.call('ZADD', KEYS[1], whole(nowMs), process)
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
local at = 6
for i = 3, #KEYS do
  local windowMs, stepMs, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  at = at + 3
  local head, total = advance(KEYS[i], windowMs, stepMs, lifeMs)
  for _ = 1, count do
    local k, amount = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    at = at + 2
    if k >= head then total = add(KEYS[i], head, k, amount, total, windowMs + lifeMs + 2 * stepMs) end
  end
end
return 1
`,
);
