-- The filter that runs before the router, in gateways and sidecars: which key does this request carry?
-- src/explain reads requests by the same rules; a property test holds the two together.
--
-- Translation puts one line before this text:
--   local settings = {
--     role = 'gateway',              -- or 'inbound', 'outbound'
--     header = 'x-detour', header_aliases = {'…'},
--     member = 'detour', member_aliases = {'…'},
--     shards = 1024,                 -- gateways only, as all that follows
--     preview_domain = nil,          -- or 'preview.example.com'
--     cors_origins = {'https://…'},  -- or {'*'}
--   }
-- What the listener around it does:
--   * Route metadata `envoy.filters.http.lua`, field `members`, names the baggage members that rules of that virtual
--     host look at. Every route of the virtual host says the same, because it is read before they are looked at.
--   * Gateways choose the RouteConfiguration by x-detour-shard (scoped routes). An early header mutation sets it to
--     `keys`, over what the client sent, so the route chosen before this filter is the one that knows the live keys:
--     metadata field `detour` is `live` (this key), `host` (a host of its own that has `--` in it) or `unknown`.
--     Lua can read the metadata of two routes of one request, `handle:route()` (chosen before the filter) and
--     `handle:metadata()` (chosen when it is called, then kept), hence the early mutation.
--   * Every route of a served host has the metadata field `detour` = `route`.
--
-- Work is linear in the size of the headers, which Envoy bounds, and nothing that grows with the traffic is kept.

local byte, char, find, format, gmatch, gsub = string.byte, string.char, string.find, string.format, string.gmatch, string.gsub
local lower, match, sub = string.lower, string.match, string.sub

local SHARD = 'x-detour-shard'
local MARK = 'x-detour-decided'
local PRIVATE = 'x-detour-baggage-'
local LISTS = { 'baggage', 'tracestate' }
local PAGE_TYPE = 'text/html; charset=utf-8'

local LONGEST_HOST = 253 -- of a DNS name; Envoy is told none that is longer
local LONGEST_KEY = 63
local REMEMBERED = 4096 -- hosts, in each worker

local gateway = settings.role == 'gateway'

local function lowered(names)
  local result = {}
  for index, name in ipairs(names or {}) do
    result[index] = lower(name)
  end
  return result
end

local key_headers = lowered(settings.header_aliases)
table.insert(key_headers, 1, lower(settings.header))
local key_members = lowered(settings.member_aliases)
table.insert(key_members, 1, lower(settings.member))

-- Text -----------------------------------------------------------------------------------------------------------

local function trim_end(text)
  return match(text, '^.*[^ \t]') or ''
end

local function unescape(text)
  return (gsub(text, '%%(%x%x)', function(digits)
    return char(tonumber(digits, 16))
  end))
end

-- A key travels on in a header of its own and is read again at the next hop, so what is decoded here must mean the
-- same when it is read once more: text with a comma, a percent sign or anything unprintable stays as it came.
local function decoded_key(text)
  if not find(text, '%', 1, true) then return text end
  local plain = unescape(text)
  if find(plain, '[^!-~]') or find(plain, '[,%%]') then return text end
  return plain
end

-- Decoded, where that is a value that a header may have: no control bytes, no blank at either end.
local function decoded_value(text)
  if not find(text, '%', 1, true) then return text end
  local plain = unescape(text)
  if find(plain, '[%z\1-\8\10-\31\127]') or find(plain, '^[ \t]') or find(plain, '[ \t]$') then return text end
  return plain
end

-- The first element of a list that is not empty, or nil.
local function first_element(text)
  local from = find(text, '[^, \t]')
  if not from then return nil end
  local comma = find(text, ',', from, true)
  return trim_end(sub(text, from, comma and comma - 1))
end

local function starts_element(text, from)
  local before = from - 1
  local at = byte(text, before)
  while at == 32 or at == 9 do
    before = before - 1
    at = byte(text, before)
  end
  return before == 0 or at == 44
end

-- The value of a list's member, without its properties: of the first one by this name that has a value, or nil.
-- `small` is the text in lower case.
local function member_value(text, small, name)
  local next_at = 1
  while true do
    local from, to = find(small, name, next_at, true)
    if not from then return nil end
    next_at = to + 1
    local _, equals = find(small, '^[ \t]*=[ \t]*', next_at)
    if equals and starts_element(small, from) then
      local stop = find(small, '[,;]', equals + 1)
      local value = trim_end(sub(text, equals + 1, stop and stop - 1))
      if value ~= '' then return value end
    end
  end
end

-- The list with `name=value` in front and no other member by that name.
local function with_member(text, name, value)
  local own = name .. '=' .. value
  if not text then return own end
  if not find(lower(text), name, 1, true) then return own .. ',' .. text end
  local parts = { own }
  for element in gmatch(text, '[^,]+') do
    if lower(match(element, '^[ \t]*([^=; \t]*)')) ~= name then parts[#parts + 1] = element end
  end
  return table.concat(parts, ',')
end

-- Replacing one of several lines would leave the others.
local function set(headers, name, value)
  headers:remove(name)
  headers:add(name, value)
end

-- The key --------------------------------------------------------------------------------------------------------

local function carried_key(headers)
  for index = 1, #key_headers do
    local text = headers:get(key_headers[index])
    local element = text and first_element(text)
    if element then return decoded_key(element), index == 1 and text end
  end
  for index = 1, #LISTS do
    local text = headers:get(LISTS[index])
    if text then
      local small = lower(text)
      for member = 1, #key_members do
        local value = member_value(text, small, key_members[member])
        if value then return decoded_key(value) end
      end
    end
  end
end

-- Puts the key where routes look for it, and nothing but the key. Tells whether that changed anything.
local function settle_key(headers)
  local key, as_sent = carried_key(headers)
  if not key or key == as_sent then return false end
  set(headers, key_headers[1], key)
  return true
end

-- Baggage members that rules name become headers of their own: over what the client sent by those names.
local function settle_members(handle, headers)
  local members = handle:metadata():get('members')
  if type(members) ~= 'table' then return end
  local baggage = headers:get('baggage')
  local small = baggage and lower(baggage)
  local changed = false
  for _, name in ipairs(members) do
    local value = baggage and member_value(baggage, small, name)
    if value then
      set(headers, PRIVATE .. name, decoded_value(value))
      changed = true
    elseif headers:get(PRIVATE .. name) then
      headers:remove(PRIVATE .. name)
      changed = true
    end
  end
  if changed then handle:clearRouteCache() end
end

-- Hosts (gateways) -----------------------------------------------------------------------------------------------

local function shard_of(host)
  local hash = 0
  for index = 1, #host do
    hash = (hash * 65599 + byte(host, index)) % 2147483647
  end
  return format('%d', hash % settings.shards)
end

local function is_key(text)
  return #text <= LONGEST_KEY and match(text, '^[a-z0-9-]*[a-z0-9]$') ~= nil and sub(text, 1, 1) ~= '-'
    and not find(text, '--', 1, true) and text ~= 'xn'
end

-- Where a host's routes are, and what its first label says.
local function read_host(authority)
  local host = lower(authority)
  local colon = find(host, ':[^:%]]*$')
  local port = colon and match(host, '^:%d+$', colon) or ''
  if colon then host = sub(host, 1, colon - 1) end
  if sub(host, -1) == '.' then host = sub(host, 1, -2) end
  -- No RouteConfiguration has this name, so it is Envoy's own 404.
  if #host > LONGEST_HOST then return { shard = 'none' } end

  local place = { shard = shard_of(host) }
  local label, zone = match(host, '^([^.]*)(.*)$')
  local dashes = find(label, '--', 1, true)
  if not dashes or sub(label, 1, 4) == 'xn--' then return place end
  if settings.preview_domain and zone == '.' .. settings.preview_domain then
    place.key = sub(label, 1, dashes - 1)
    place.direct = true
    return place
  end
  local key, service = match(label, '^(.*)%-%-(.*)$')
  place.key = key
  place.plain = service .. zone
  place.plain_shard = shard_of(place.plain)
  place.link = place.plain .. port
  return place
end

local places, places_count = {}, 0

local function place_of(authority)
  local place = places[authority]
  if place then return place end
  place = read_host(authority)
  if #authority > LONGEST_HOST then return place end
  if places_count == REMEMBERED then
    places, places_count = {}, 0
  end
  places[authority] = place
  places_count = places_count + 1
  return place
end

local ESCAPES = { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;', ["'"] = '&#39;' }

local function html(text)
  return (gsub(text, '[&<>"\']', ESCAPES))
end

-- `link`: host and port of the page without a preview, or nil. Its scheme is that of the page it stands on.
local function answer_not_found(handle, headers, key, link)
  local page = '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    .. '<meta name="viewport" content="width=device-width"><title>No preview ' .. html(key) .. '</title></head>'
    .. '<body style="font: 1.1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1rem">'
    .. '<h1>No preview is live as <code>' .. html(key) .. '</code></h1>'
    .. '<p>It has been removed, has expired, or is not there yet.'
  if link then
    page = page .. ' Without a preview: <a href="//' .. html(link) .. '/">' .. html(link) .. '</a>'
  end
  page = page .. '</p></body></html>\n'
  local answer = { [':status'] = '404', ['content-type'] = PAGE_TYPE, ['cache-control'] = 'no-store' }
  handle:respond(answer, headers:get(':method') ~= 'HEAD' and page or nil)
end

local function select(handle, headers, shard)
  headers:replace(SHARD, shard)
  handle:clearRouteCache()
end

-- A host with a key in it: chooses its routes and tells the key that counts, or answers the request ('answered').
local function settle_preview_host(handle, headers, place)
  if place.direct then
    select(handle, headers, place.shard)
    local kind = handle:metadata():get('detour')
    if kind == 'route' then return place.key end
    answer_not_found(handle, headers, place.key, nil)
    return nil, true
  end
  local verdict = handle:route():metadata():get('detour')
  if verdict == 'host' then
    select(handle, headers, place.shard)
    return nil
  end
  select(handle, headers, place.plain_shard)
  if verdict == 'live' and is_key(place.key) then return place.key end
  local kind = handle:metadata():get('detour')
  -- A host that nobody serves has no page to link to: Envoy's own 404.
  if kind ~= 'route' then return nil end
  answer_not_found(handle, headers, place.key, place.link)
  return nil, true
end

local function carry(headers, key)
  set(headers, key_headers[1], key)
  -- Headers are read before members: an app that passes on this one and baggage would name two keys.
  for index = 2, #key_headers do
    if headers:get(key_headers[index]) then set(headers, key_headers[index], key) end
  end
  set(headers, 'baggage', with_member(headers:get('baggage'), key_members[1], key))
  local state = headers:get('tracestate')
  if state and member_value(state, lower(state), key_members[1]) then
    set(headers, 'tracestate', with_member(state, key_members[1], key))
  end
end

-- CORS (gateways) ------------------------------------------------------------------------------------------------

local origins, any_origin, has_origins = {}, false, false
for _, origin in ipairs(settings.cors_origins or {}) do
  has_origins = true
  if origin == '*' then any_origin = true else origins[lower(origin)] = true end
end

local carrier_names = { baggage = true, tracestate = true }
for _, name in ipairs(key_headers) do
  carrier_names[name] = true
end

-- A browser asks first before it sends a carrier to another origin, and an app that has never heard of carriers would
-- refuse. Preflights that name none are the app's own.
local function answer_preflight(handle, headers)
  if headers:get(':method') ~= 'OPTIONS' then return false end
  local origin, method = headers:get('origin'), headers:get('access-control-request-method')
  local asked = headers:get('access-control-request-headers')
  if not origin or not method or not asked then return false end
  local named = origins[lower(origin)]
  if not named and not any_origin then return false end
  for name in gmatch(lower(asked), '[^, \t]+') do
    if carrier_names[name] then
      local answer = {
        [':status'] = '204',
        ['access-control-allow-origin'] = origin,
        ['access-control-allow-methods'] = method,
        ['access-control-allow-headers'] = asked,
        ['access-control-max-age'] = '600',
        ['vary'] = 'origin, access-control-request-method, access-control-request-headers',
      }
      -- Cookies only for origins that somebody named.
      if named then answer['access-control-allow-credentials'] = 'true' end
      handle:respond(answer)
      return true
    end
  end
  return false
end

-- Requests -------------------------------------------------------------------------------------------------------

local function on_gateway_request(handle, headers)
  if has_origins and answer_preflight(handle, headers) then return end
  headers:remove(MARK)
  local place = place_of(headers:get(':authority') or '')
  if place.key then
    local key, answered = settle_preview_host(handle, headers, place)
    if answered then return end
    if key then carry(headers, key) else settle_key(headers) end
    handle:clearRouteCache()
  else
    settle_key(headers)
    select(handle, headers, place.shard)
  end
  settle_members(handle, headers)
end

local function on_sidecar_request(handle, headers)
  if settle_key(headers) then handle:clearRouteCache() end
  settle_members(handle, headers)
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if gateway then on_gateway_request(handle, headers) else on_sidecar_request(handle, headers) end
end
