/** One decision on windows: everything that a tenant's (or an upstream's) waiting requests ask of its accounts. */
import { redisScript } from "./script.ts";
import { SUB_WINDOWS_LUA } from "./sub-windows.ts";

/**
 * Leases slices: each request gets all that it asks for or nothing, in the order in which they stand; then, of what is left, more
 * for those to come. Before that it takes back what was not used and adds what was used beyond.
 *
 * KEYS
 * - 1 zset: the processes that lease here, by when they last did, milliseconds
 * - 2 string: is there while processes are waited for, to say what they leased before Redis lost it
 * - 3… hashes: the accounts (sub-windows.ts)
 *
 * ARGV
 * - 1 this process
 * - 2 a slice's life, ms
 * - 3 1 where this process has leased here what still counts
 * - 4 1 where Redis is another than a moment ago, so that what it does not know may be lost
 * - 5 how long processes are waited for, ms
 * - 6 how long a process counts as one of those that share, ms
 * - 7 how long a process is remembered, ms: longer than any window
 * - 8 requests
 * - for each account: limit, windowMs, stepMs, more (to be leased for requests to come), charge (used beyond, counts whatever the
 *   limit), returns, and so many times: sub-window, amount
 * - for each request: needs, and so many times: account (from 1), amount
 *
 * Returns an array
 * - `lost`: this process has leased here, and Redis does not know it: `restoreSlices` first
 * - `settling`, ms: until processes are waited for
 * - `done`, processes that share, then for each account: sub-window, leased to requests and for those to come, charged (the charge
 *   is counted), what is left of the limit (below 0 where more was used); then for each request: 0, or the account (from 1)
 *   that had too little, and milliseconds until it has enough as far as this is known (-1: never; 0 with a 0)
 */
export const LEASE_SLICES = redisScript(
  "leaseSlices-2-n",
  `${SUB_WINDOWS_LUA}
local process, lifeMs = ARGV[1], tonumber(ARGV[2])
local settleMs, peerMs, rememberMs = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local requests = tonumber(ARGV[8])

if not redis.call('ZSCORE', KEYS[1], process) then
  if ARGV[3] == '1' then return {'lost'} end
  if ARGV[4] == '1' and redis.call('ZCARD', KEYS[1]) == 0 then redis.call('SET', KEYS[2], 1, 'PX', settleMs) end
end
redis.call('ZADD', KEYS[1], whole(nowMs), process)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', whole(nowMs - rememberMs))
redis.call('PEXPIRE', KEYS[1], whole(rememberMs))
local settlesInMs = redis.call('PTTL', KEYS[2])
if settlesInMs > 0 then return {'settling', settlesInMs} end
local peers = redis.call('ZCOUNT', KEYS[1], whole(nowMs - peerMs), '+inf')

local at = 9
local accounts = {}
for i = 3, #KEYS do
  local a = { key = KEYS[i], leased = 0 }
  a.limit, a.windowMs, a.stepMs = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  a.more = tonumber(ARGV[at + 3])
  local charge, returns = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  at = at + 6
  a.keepMs = a.windowMs + lifeMs + 2 * a.stepMs
  a.head, a.total = advance(a.key, a.windowMs, a.stepMs, lifeMs)
  a.k = math.max(a.head, math.floor(nowMs / a.stepMs))
  for _ = 1, returns do
    local k, amount = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    at = at + 2
    local back = math.min(amount, tonumber(redis.call('HGET', a.key, whole(k))) or 0)
    if k >= a.head and back > 0 then a.total = add(a.key, a.head, k, -back, a.total, a.keepMs) end
  end
  if charge > 0 then a.total = add(a.key, a.head, a.k, charge, a.total, a.keepMs) end
  a.charged = charge
  accounts[i - 2] = a
end

-- Until so much is free, if nothing is given back before.
local function freeInMs(a, amount)
  if amount > a.limit then return -1 end
  local missing = a.total + a.leased + amount - a.limit
  for k = a.head, a.k do
    local counted = tonumber(redis.call('HGET', a.key, whole(k))) or 0
    if k == a.k then counted = counted + a.leased end
    missing = missing - counted
    if missing <= 0 then return math.max(1, (k + 1) * a.stepMs + lifeMs + a.windowMs - nowMs) end
  end
  return a.windowMs
end

local verdicts = {}
for _ = 1, requests do
  local needs = tonumber(ARGV[at])
  local first = at + 1
  at = first + 2 * needs
  local short, inMs = 0, 0
  for i = first, at - 1, 2 do
    local a, amount = accounts[tonumber(ARGV[i])], tonumber(ARGV[i + 1])
    if a.total + a.leased + amount > a.limit then
      short = tonumber(ARGV[i])
      -- Those that follow ask for about as much; a walk through the sub-windows for each would hold Redis up.
      if not a.freeInMs or a.freeInMs[1] ~= amount then a.freeInMs = { amount, freeInMs(a, amount) } end
      inMs = a.freeInMs[2]
      break
    end
  end
  if short == 0 then
    for i = first, at - 1, 2 do
      local a = accounts[tonumber(ARGV[i])]
      a.leased = a.leased + tonumber(ARGV[i + 1])
    end
  end
  verdicts[#verdicts + 1] = short
  verdicts[#verdicts + 1] = inMs
end

local answer = {'done', peers}
for _, a in ipairs(accounts) do
  -- All that processes hold for requests to come is less than half of what is left, however many they are.
  local left = a.limit - a.total - a.leased
  a.leased = a.leased + math.max(0, math.min(a.more, math.floor(left / (2 * math.max(1, peers)))))
  if a.leased > 0 then a.total = add(a.key, a.head, a.k, a.leased, a.total, a.keepMs) end
  answer[#answer + 1] = a.k
  answer[#answer + 1] = a.leased
  answer[#answer + 1] = a.charged
  answer[#answer + 1] = a.limit - a.total
end
for _, value in ipairs(verdicts) do answer[#answer + 1] = value end
return answer
`,
);
