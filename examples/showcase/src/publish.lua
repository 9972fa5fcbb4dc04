-- Appends an event to the log, and drops the oldest ones beyond its bounds. Redis runs a script
-- atomically, so events are numbered in the order of the log, whichever server they come from.
local log, counts = KEYS[1], KEYS[2]
local topic, event_type, data, is_numbered, run, max_events, max_bytes = unpack(ARGV)

-- Estimates the size of an entry, in bytes.
local function size(fields)
    local bytes = 100
    for _, text in ipairs(fields) do
        bytes = bytes + #text
    end
    return bytes
end

local fields = {'topic', topic, 'type', event_type, 'data', data}
if is_numbered == '1' then
    -- The run is stored with the numbers, so that both are lost together.
    redis.call('HSETNX', counts, 'run', run)
    for _, text in ipairs({
        'run', redis.call('HGET', counts, 'run'),
        'number', tostring(redis.call('HINCRBY', counts, topic, 1)),
    }) do
        table.insert(fields, text)
    end
end

local bytes = 0
if redis.call('EXISTS', log) == 1 then
    bytes = tonumber(redis.call('HGET', counts, 'bytes') or 0)
end
local id = redis.call('XADD', log, '*', unpack(fields))
bytes = bytes + size(fields)
local length = redis.call('XLEN', log)
-- The newest entry stays, even if it is larger than the bound.
while length > 1 and (length > tonumber(max_events) or bytes > tonumber(max_bytes)) do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    bytes = bytes - size(oldest[2])
    length = length - redis.call('XDEL', log, oldest[1])
end
redis.call('HSET', counts, 'bytes', bytes)
return id
