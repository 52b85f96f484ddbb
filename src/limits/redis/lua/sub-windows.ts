/**
 * What the scripts on windows share: how an account counts in Redis.
 *
 * An account is one hash: by sub-window (`floor(Redis's milliseconds / stepMs)`) what was leased in it, `t` the sum of these, `h`
 * the first sub-window that still counts. Sub-window k is leased from until `(k + 1) × stepMs`, its slices are used for `lifeMs`
 * after that, and whatever was used counts for `windowMs`: so it counts until `(k + 1) × stepMs + lifeMs + windowMs`, and the sum
 * of what is used in any window is within the limit.
 *
 * The sum is kept, so a call costs as much as sub-windows have ended since the last one (at most about 62).
 */

/** Lua: `nowMs`, `whole`, `advance`, `add`. For the beginning of a script. */
export const SUB_WINDOWS_LUA = `
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)

-- Lua writes 1e15 where Redis wants digits.
local function whole(number)
  return string.format('%.0f', number)
end

-- Drops what no longer counts. Returns the first sub-window that does, and the sum.
local function advance(key, windowMs, stepMs, lifeMs)
  local first = math.floor((nowMs - lifeMs - windowMs) / stepMs)
  local stored = redis.call('HMGET', key, 'h', 't')
  local head, total = tonumber(stored[1]), tonumber(stored[2])
  if head == nil then return first, 0 end
  -- A clock that was set back: nothing may be added before the head, since nothing there would ever be dropped.
  if first <= head then return head, total end
  if first > head + math.ceil((windowMs + lifeMs) / stepMs) + 1 then
    redis.call('DEL', key)
    return first, 0
  end
  for k = head, first - 1 do
    local amount = redis.call('HGET', key, whole(k))
    if amount then
      total = total - tonumber(amount)
      redis.call('HDEL', key, whole(k))
    end
  end
  redis.call('HSET', key, 'h', whole(first), 't', whole(total))
  return first, total
end

-- Adds to a sub-window (or takes from it), which must not be before head. Returns the sum.
local function add(key, head, k, amount, total, keepMs)
  redis.call('HINCRBY', key, whole(k), whole(amount))
  redis.call('HSET', key, 'h', whole(head), 't', whole(total + amount))
  redis.call('PEXPIRE', key, whole(keepMs))
  return total + amount
end
`;
