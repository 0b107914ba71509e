import type { Epoch } from "../offset";

/*
 * The Lua scripts of the log. Each runs atomically. A room has two keys: a stream of its messages, and a hash with
 *   epoch     the current epoch
 *   last      the sequence given out last
 *   from, to  the seam where the epoch began: the newest message at that time, and `last` at that time
 *   run       run_id of the Redis process in which the epoch was last confirmed
 *   broken    an earlier epoch that lost messages and was then continued, because the loss was noticed too late
 * A message is the stream entry `<sequence>-0` with the fields e (epoch), p (sequence of the message before it, so that
 * every reader notices when a message in between is missing) and m (the message as JSON).
 */

/**
 * Opens a room for a reader, and checks that Redis still holds what the reader has read. A Redis that restarted, or a
 * replica that took over, may have lost the messages acked last. Then a new epoch begins, SEAM_JUMP above every sequence
 * given out, so that a lost message and a later one never share an offset. `newest` is the newest message that the
 * reader has read; "gap" means that the reader has missed messages that it will not find in the stream.
 *
 * | Case                                                                   | Epoch           | Gap |
 * | ---------------------------------------------------------------------- | --------------- | --- |
 * | first start: Redis has no log of the room                              | new             | no  |
 * | flushed: the log is gone, the reader knows messages                    | new             | no  |
 * | new reader, same Redis process                                         | kept            | no  |
 * | new reader, Redis restarted: no reader has verified the log            | new             | no  |
 * | reader returns, same Redis process                                     | kept            | no  |
 * | Redis restarted, newest is still there                                 | kept            | no  |
 * | Redis restarted, newest is not there (replica behind, older data)      | new             | no  |
 * | Redis restarted, another message has the place of newest               | new             | yes |
 * | another reader confirmed the epoch after the restart, newest is lost   | new, old broken | yes |
 * | another reader confirmed the epoch, another message replaced newest    | new, old broken | yes |
 * | another reader has begun a new epoch                                   | kept            | no  |
 * | another reader has declared the reader's epoch broken                  | kept            | yes |
 *
 * Why "broken": in a Redis process that another reader has confirmed, nodes may already have appended after the
 * loss. Readers of the old epoch cannot distinguish their messages from the lost ones, so each of them reports a gap.
 *
 * KEYS stream, hash. ARGV a new epoch; the reader's epoch ("" for a new reader), head, SHA-1 of newest ("" if none).
 * Returns `OpenReply`. Always writes, so success means that messages can be stored.
 */
export const OPEN = `
local SEAM_JUMP = 1000000
local newEpoch, readerEpoch, readerHead, readerDigest = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'last', 'from', 'to', 'run', 'broken')
local epoch, last, from, to = meta[1], tonumber(meta[2] or ''), tonumber(meta[3] or ''), tonumber(meta[4] or '')
local broken = meta[6] or ''
local function text(number) return string.format('%.0f', number) end
local function digest(sequence)
  local entry = redis.call('XRANGE', KEYS[1], text(sequence) .. '-0', text(sequence) .. '-0')[1]
  return entry and entry[2][5] == 'm' and redis.sha1hex(entry[2][6]) or ''
end

local isComplete = epoch and last and from and to
local sameRedisProcess = run == meta[5]
local sameEpoch = isComplete and epoch == readerEpoch
local found = readerHead > 0 and digest(readerHead) or ''
local redisHasOtherMessage = found ~= '' and readerDigest ~= '' and found ~= readerDigest
local readerAheadOfRedis = sameEpoch and readerHead > last
local newestMessageVerified = sameEpoch and found ~= '' and found == readerDigest and not readerAheadOfRedis
local lossProven = readerAheadOfRedis or (sameEpoch and redisHasOtherMessage)

if not isComplete or lossProven or not (sameRedisProcess or newestMessageVerified) then
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  epoch = newEpoch
  from = newest and tonumber(string.match(newest[1], '^%d+')) or 0
  last = math.max(from, last or 0, readerHead)
  if last > 0 then last = last + SEAM_JUMP end
  to = last
  if lossProven and sameRedisProcess then broken = readerEpoch end
end
redis.call('HSET', KEYS[2], 'epoch', epoch, 'last', text(last), 'from', text(from), 'to', text(to), 'run', run,
  'broken', broken)

local hasMissed = redisHasOtherMessage or (readerEpoch ~= '' and readerEpoch == broken)
local now = redis.call('TIME')
return { epoch, text(last), text(from), text(to), last > 0 and digest(last) or '', hasMissed and '1' or '0',
  text(now[1] * 1000 + now[2] / 1000) }
`;

type Place = [epoch: Epoch, last: string, from: string, to: string];
/** What OPEN returns. `digest` is the SHA-1 of the message `last`, "" if there is none; `timeMs` the clock of Redis. */
export type OpenReply = [...Place, digest: string, hasMissed: "0" | "1", timeMs: string];

/**
 * Stores a message, once for its key. Does not store it after its deadline, because its sender was refused by then.
 * When another program wrote to the stream, the message gets the next sequence above that entry.
 *
 * KEYS stream, hash, and the idempotency key if there is one. ARGV the message; messages to keep; deadline (ms,
 * clock of Redis); value for the idempotency key; its time to live (ms). Returns `AppendReply`.
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

/** "late": the deadline has passed. "lost": the hash is gone, so the room must be opened again. */
export type AppendReply =
  | [outcome: "stored", sequence: string]
  | [outcome: "known", sequenceAndKeyValue: string]
  | [outcome: "late" | "lost"];

/**
 * Reads a part of a room, up to a number of messages or bytes: XRANGE alone would return 200 of the longest messages,
 * 5 MB. Skips entries that do not look like messages. Looks at `limit` entries at most, so that it never holds up Redis.
 *
 * KEYS stream. ARGV XRANGE or XREVRANGE; its start and end; limit of messages; limit of bytes; how many messages the page
 * holds already: without any, the first message is returned, whatever its size. Returns `PageReply`.
 */
export const PAGE = `
local STEP, MAX_ENTRY_BYTES = 16, 200000
local start, limit, bytesLeft, held = ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local found = {}
while limit > 0 do
  local step = math.min(STEP, limit)
  local entries = redis.call(ARGV[1], KEYS[1], start, ARGV[3], 'COUNT', step)
  for _, entry in ipairs(entries) do
    local fields = entry[2]
    if #fields == 6 and #fields[6] <= MAX_ENTRY_BYTES then
      bytesLeft = bytesLeft - #fields[6]
      if bytesLeft < 0 and held > 0 then return { found, start, 'full' } end
      held = held + 1
      found[#found + 1] = entry
    end
    start = '(' .. entry[1]
  end
  if #entries < step then return { found, '' } end
  limit = limit - step
end
return { found, start }
`;

/** The entries, the start of the next read ("": the range has ended), and whether the bytes were reached. */
export type PageReply = [entries: [id: string, fields: string[]][], next: string, full?: "full"];
