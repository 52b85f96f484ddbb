/** One decision on caps: how many of a cap's slots a process may hold for the next seconds. */
import { redisScript } from "./script.ts";

/**
 * Leases slots, or renews them. What a process keeps is not asked for: it is in use. A process that does not renew in time has
 * nothing any more.
 *
 * KEYS
 * - 1… hashes: the caps; by process `slots:unmet:end`, where `unmet` is what it asked for in vain and `end` Redis's milliseconds
 *
 * ARGV
 * - 1 this process
 * - 2 for how long, ms
 * - for each cap: cap, keeps (has, and goes on having), needs (besides, for those who wait), more (besides, for those to come)
 *
 * Returns for each cap: slots that this process has now, how many are free (below 0: more are held than there are), how many
 * others asked for in vain that have less than their share, and a share: the cap by the processes that have slots or want some.
 */
export const LEASE_SLOTS = redisScript(
  "leaseSlots-n",
  `
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local process, lifeMs = ARGV[1], tonumber(ARGV[2])
local answer = {}
for i = 1, #KEYS do
  local at = 4 * i - 1
  local cap, keeps, needs, more = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local others, held = {}, 0
  local fields = redis.call('HGETALL', KEYS[i])
  for f = 1, #fields, 2 do
    local slots, wanted, endMs = string.match(fields[f + 1], '^(%d+):(%d+):(%d+)$')
    if tonumber(endMs) <= nowMs then
      redis.call('HDEL', KEYS[i], fields[f])
    elseif fields[f] ~= process then
      others[#others + 1] = { slots = tonumber(slots), unmet = tonumber(wanted) }
      held = held + tonumber(slots)
    end
  end
  local peers = #others + 1
  local share = math.max(1, math.floor(cap / peers))
  -- Of those alone that have less than their share: if all yielded to all, nobody would get the last slots.
  local unmet = 0
  for _, other in ipairs(others) do
    if other.slots < share then unmet = unmet + math.min(other.unmet, share - other.slots) end
  end
  local free = math.max(0, cap - held - keeps)
  -- Up to its share it takes what is free; beyond, what is left for it when those others have theirs.
  local given = math.min(needs, free, math.max(0, free - unmet, share - keeps))
  -- As with slices: what is held for those to come is less than half of what is left, and nothing where others wait.
  local extra = 0
  if unmet == 0 then extra = math.min(more, math.floor((free - given) / (2 * peers))) end
  local slots = keeps + given + extra
  if slots == 0 and needs == 0 then
    redis.call('HDEL', KEYS[i], process)
  else
    redis.call('HSET', KEYS[i], process, string.format('%.0f:%.0f:%.0f', slots, needs - given, nowMs + lifeMs))
    redis.call('PEXPIRE', KEYS[i], lifeMs)
  end
  answer[#answer + 1] = slots
  answer[#answer + 1] = cap - held - slots
  answer[#answer + 1] = unmet
  answer[#answer + 1] = share
end
return answer
`,
);
