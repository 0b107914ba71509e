/**
 * What Redis does in one step. Keys of a room: its stream of messages, and a hash beside it with
 *   epoch     names this life of the log
 *   last      the sequence given out last
 *   from, to  the seam where the epoch began: the newest message then, and `last` then
 *   run       the Redis process that the epoch was last confirmed in
 *   broken    an earlier epoch that went on after messages of it had been lost, before anybody knew
 * A message is the stream entry `<sequence>-0` with fields e (epoch), p (the sequence before its own) and m (the
 * message as JSON). The links let every reader see when something between two messages is missing.
 */

/**
 * Opens a room, and says whether the reader's place in it is still good.
 *
 * A Redis process that has restarted, or a replica that has taken over, may have lost what was acked last. The
 * first to come keeps the epoch only when it can prove that the newest message it knows is still there; else,
 * and whenever somebody later proves the contrary, offsets begin anew, far above all that were given out.
 * Always writes, so that success means that messages can be stored.
 *
 * KEYS stream, hash. ARGV a new epoch; the reader's epoch ("" for none), position, SHA-1 of the message there.
 * Returns epoch, last, from, to, SHA-1 of the newest message, "1" if the reader has missed messages that it
 * will not find (else "0"), the time (ms).
 */
export const OPEN = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'last', 'from', 'to', 'run', 'broken')
local epoch, last, from, to = meta[1], tonumber(meta[2] or ''), tonumber(meta[3] or ''), tonumber(meta[4] or '')
local position = tonumber(ARGV[3])
local function text(number) return string.format('%.0f', number) end
local function digest(sequence)
  local entry = redis.call('XRANGE', KEYS[1], text(sequence) .. '-0', text(sequence) .. '-0')[1]
  return entry and entry[2][5] == 'm' and redis.sha1hex(entry[2][6]) or ''
end

local found = position > 0 and digest(position) or ''
local isOther = found ~= '' and ARGV[4] ~= '' and found ~= ARGV[4]
local isOfEpoch = epoch and epoch == ARGV[2]
local isContradicted = isOfEpoch and (position > (last or 0) or isOther)
local isProven = isOfEpoch and found ~= '' and found == ARGV[4] and not isContradicted
local isConfirmed = run == meta[5]
if not (epoch and last and from and to) or isContradicted or not (isConfirmed or isProven) then
  local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  epoch = ARGV[1]
  from = top and tonumber(string.match(top[1], '^%d+')) or 0
  last = math.max(from, last or 0, position)
  if last > 0 then last = last + 1000000 end
  to = last
  -- In the run that the epoch was confirmed in, others may have gone on where this reader knows of more.
  if isContradicted and isConfirmed then meta[6] = ARGV[2] end
end
redis.call('HSET', KEYS[2], 'epoch', epoch, 'last', text(last), 'from', text(from), 'to', text(to), 'run', run,
  'broken', meta[6] or '')

local hasMissed = isOther or (ARGV[2] ~= '' and ARGV[2] == meta[6])
local now = redis.call('TIME')
return { epoch, text(last), text(from), text(to), last > 0 and digest(last) or '', hasMissed and '1' or '0',
  text(now[1] * 1000 + now[2] / 1000) }
`;

/**
 * Stores a message, once for its key. One that arrives too late, its sender having been refused meanwhile, is
 * not stored. Where somebody else wrote into the stream, messages go on above that.
 *
 * KEYS stream, hash, and the idempotency key if there is one. ARGV the message; how many to keep; when it is
 * too late (ms); what to remember under the key; for how long (ms).
 * Returns "stored", sequence | "known", sequence and what is remembered | "late" | "lost" (the hash is gone).
 */
export const APPEND = `
if KEYS[3] then
  local known = redis.call('GET', KEYS[3])
  if known then return { 'known', known } end
end
local now = redis.call('TIME')
if now[1] * 1000 + now[2] / 1000 > tonumber(ARGV[3]) then return { 'late' } end
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'last')
if not (meta[1] and meta[2]) then return { 'lost' } end

local sequence = string.format('%.0f', meta[2] + 1)
local function add(call)
  return call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[2], sequence .. '-0', 'e', meta[1], 'p', meta[2], 'm', ARGV[1])
end
local added = add(redis.pcall)
if type(added) == 'table' and added.err then
  if not string.find(added.err, 'equal or smaller', 1, true) then return added end
  local info = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then sequence = string.format('%.0f', string.match(info[i + 1], '^%d+') + 1) end
  end
  add(redis.call)
end
redis.call('HSET', KEYS[2], 'last', sequence)
if KEYS[3] then redis.call('SET', KEYS[3], sequence .. '|' .. ARGV[4], 'PX', ARGV[5]) end
return { 'stored', sequence }
`;
