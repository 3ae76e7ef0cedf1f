-- Where carriers do not count as they come: gateways that strip them or take signed keys, and requests of a sidecar's app
-- that leave the cluster. Translation puts this behind detour.lua (and signed-keys.lua), with these among the settings:
--   carriers = 'strip' or 'signed'
--   role = 'gateway', or 'egress' for what leaves the cluster
-- src/explain/edge.ts takes carriers away by the same rules; a property test holds the two together.
--
-- Envoy goes on with a request when a filter fails: so carriers are taken away before anything else, and a request that
-- they cannot be taken from goes nowhere.

local pairs = pairs

local COOKIE = '__Host-detour'
local COOKIE_SMALL = lower(COOKIE)
local QUERY = 'detour'
local OWN = 'x-detour-'
local LONGEST_NAME = 128 -- of headers that are remembered
local MOST_ROUNDS = 4
local LONGEST_TOKEN = 128
local MOST_TOKENS = 16 -- of one request's cookies, and of its query
local SECONDS_BETWEEN_LINES = 10

local takes_signed = settings.carriers == 'signed'

-- Taking away ----------------------------------------------------------------------------------------------------

-- CGI, and what is like it, gives apps `-` and `_` as one.
local function dashed(name)
  return (gsub(lower(name), '_', '-'))
end

local carrier_headers = {}
for _, name in ipairs(key_headers) do
  carrier_headers[dashed(name)] = true
end
local carrier_members = {}
for _, name in ipairs(key_members) do
  carrier_members[name] = true
end

local judged, judged_count = {}, 0

local function is_carrier_header(name)
  local known = judged[name]
  if known ~= nil then return known end
  local plain = dashed(name)
  local is = carrier_headers[plain] or false
  -- Set by the listener a moment ago.
  if sub(plain, 1, #OWN) == OWN and not (gateway and name == SHARD) then is = true end
  if #name > LONGEST_NAME then return is end
  if judged_count == REMEMBERED then
    judged, judged_count = {}, 0
  end
  judged[name] = is
  judged_count = judged_count + 1
  return is
end

local function strip_headers(headers)
  local found
  for name in pairs(headers) do
    if is_carrier_header(name) then
      found = found or {}
      found[#found + 1] = name
    end
  end
  for index = 1, found and #found or 0 do
    headers:remove(found[index])
  end
end

-- Whether a reader of any kind could take an element of a list for a carrier: some decode names, some take `+` for a
-- blank, and what is trimmed differs.
local function is_carrier_element(element)
  local name = match(element, '^[^=;]*')
  if find(name, '%', 1, true) then
    local rounds, before = 0, nil
    repeat
      before, name, rounds = name, unescape(name), rounds + 1
    until name == before or rounds > MOST_ROUNDS
    -- Nobody encodes a name so often but to hide it.
    if name ~= before then return true end
  end
  for part in gmatch(lower(gsub(name, '[^!-~]', '')), '[^,;=]+') do
    if carrier_members[(gsub(part, '["\'+]', ''))] then return true end
  end
  return false
end

-- By two looks from its ends: a pattern for both would look at blanks in the middle again and again.
local function trim(text)
  local from = find(text, '[^ \t]')
  return from and trim_end(sub(text, from)) or ''
end

-- The list without carriers; every other element is as it was.
local function without_carriers(list)
  local kept, count, from, changed = {}, 0, 1, false
  while true do
    local comma = find(list, ',', from, true)
    local element = sub(list, from, comma and comma - 1)
    if is_carrier_element(element) then
      changed = true
    else
      count = count + 1
      kept[count] = element
    end
    if not comma then break end
    from = comma + 1
  end
  if not changed then return list end
  return trim(table.concat(kept, ','))
end

-- Lines stay lines.
local function rewrite_lines(headers, name, rewrite)
  local lines, changed = {}, false
  for index = 1, headers:getNumValues(name) do
    local line = headers:getAtIndex(name, index - 1)
    local kept = rewrite(line)
    changed = changed or kept ~= line
    if kept ~= '' or line == '' then lines[#lines + 1] = kept end
  end
  if not changed then return end
  headers:remove(name)
  for index = 1, #lines do
    headers:add(name, lines[index])
  end
end

local function is_own_crumb(crumb)
  return lower(match(crumb, '^[ \t]*([^= \t]*)')) == COOKIE_SMALL
end

-- The cookies of one line without the gateway's own.
local function without_own_cookie(line)
  if not find(lower(line), COOKIE_SMALL, 1, true) then return line end
  local kept, changed = {}, false
  for crumb in gmatch(line, '[^;]+') do
    if is_own_crumb(crumb) then changed = true else kept[#kept + 1] = crumb end
  end
  if not changed then return line end
  return trim(table.concat(kept, ';'))
end

local function take_away(headers)
  strip_headers(headers)
  for index = 1, #LISTS do
    rewrite_lines(headers, LISTS[index], without_carriers)
  end
  if gateway then rewrite_lines(headers, 'cookie', without_own_cookie) end
end

local function strip(handle, headers)
  local done, why = pcall(take_away, headers)
  if done then return end
  handle:logErr('detour: carriers cannot be taken away: ' .. tostring(why))
  handle:respond({ [':status'] = '500' })
end

-- Signed keys ----------------------------------------------------------------------------------------------------

local refused, next_line = {}, 0

-- Who sends it is told nothing; the log says how many came, and not what they were.
local function note_refusal(handle, why)
  refused[why] = (refused[why] or 0) + 1
  local now = os.time()
  if now < next_line then return end
  next_line = now + SECONDS_BETWEEN_LINES
  handle:logInfo(format('detour: carriers that do not count: %d unsigned, %d expired, %d forged',
    refused.unsigned or 0, refused.expired or 0, refused.forged or 0))
  refused = {}
end

-- What the request carries before it is taken away: texts that may be signed keys, and where hops behind look for one.
local function read_carried(headers)
  local carried = { texts = {}, aliases = {}, lists = {} }
  for index = 1, #key_headers do
    local text = headers:get(key_headers[index])
    local element = text and first_element(text)
    if element then
      table.insert(carried.texts, (decoded_key(element)))
      if index > 1 then table.insert(carried.aliases, key_headers[index]) end
    end
  end
  for _, list in ipairs(LISTS) do
    local text = headers:get(list)
    local small = text and lower(text)
    for member = 1, text and #key_members or 0 do
      local value = member_value(text, small, key_members[member])
      if value then
        table.insert(carried.texts, (decoded_key(value)))
        carried.lists[list] = true
      end
    end
  end
  return carried
end

-- The cookie's texts go behind the others.
local function read_cookies(headers, texts)
  local found = 0
  for index = 1, headers:getNumValues('cookie') do
    local line = headers:getAtIndex('cookie', index - 1)
    if find(lower(line), COOKIE_SMALL, 1, true) then
      for crumb in gmatch(line, '[^;]+') do
        local value = is_own_crumb(crumb) and match(crumb, '=[ \t]*"?([^" \t]*)')
        if value and found < MOST_TOKENS then texts[#texts + 1], found = value, found + 1 end
      end
    end
  end
end

-- The key of the first text that counts. @param wanted the key that it must be of, or nil
local function verified_key(handle, texts, wanted)
  local why
  for index = 1, #texts do
    local key, reason
    if #texts[index] > LONGEST_TOKEN then
      reason = 'unsigned'
    else
      key, reason = signed.verify(texts[index])
    end
    if key and (not wanted or key == wanted) then return key end
    if not key then why = why or reason end
  end
  local news = signed.take_news()
  if news then handle:logWarn(news) end
  if why then note_refusal(handle, why) end
  return nil
end

-- Plain, in all places where the request had one: the hops behind know of no signatures.
local function restore(headers, carried, key)
  set(headers, key_headers[1], key)
  for _, name in ipairs(carried.aliases) do
    set(headers, name, key)
  end
  for list in pairs(carried.lists) do
    set(headers, list, with_member(headers:get(list), key_members[1], key))
  end
end

-- The query's first signed form of this key with its expiry, and the path without any signed key of ours.
local function token_of_query(path, wanted)
  local base, query = match(path, '^([^?]*)%?(.*)$')
  if not query or not find(query, QUERY .. '=', 1, true) then return nil end
  local token, expires
  local kept, found = {}, 0
  for pair in gmatch(query, '[^&]+') do
    local value = match(pair, '^' .. QUERY .. '=(.*)$')
    if value and #value <= LONGEST_TOKEN and match(value, '^[a-z0-9-]+%.%d+%.[%w_-]+$') then
      found = found + 1
      local key, until_then
      if not token and found <= MOST_TOKENS then key, until_then = signed.verify(value) end
      if key == wanted then token, expires = value, until_then end
    else
      kept[#kept + 1] = pair
    end
  end
  if not token then return nil end
  -- `//host` and `/\host` are other hosts to a browser.
  if sub(base, 1, 1) ~= '/' or sub(base, 1, 2) == '//' or find(base, '[^!-~]') or find(base, '\\', 1, true) then base = '/' end
  local rest = table.concat(kept, '&')
  if rest == '' or find(rest, '[^!-~]') then return token, expires, base end
  return token, expires, base .. '?' .. rest
end

-- From now on the browser has it, and no address bar, log or referrer does.
local function answer_with_cookie(handle, token, expires, location)
  handle:respond({
    [':status'] = '303',
    ['location'] = location,
    ['set-cookie'] = format('%s=%s; Path=/; Max-Age=%d; Secure; HttpOnly; SameSite=Lax', COOKIE, token, expires - os.time()),
    ['cache-control'] = 'no-store',
    ['referrer-policy'] = 'no-referrer',
  })
end

-- The same whether the preview is there or not.
local function answer_forbidden(handle, headers, key)
  local host = lower(headers:get(':authority') or '')
  local page = '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    .. '<meta name="viewport" content="width=device-width"><title>A signed key is needed</title></head>'
    .. '<body style="font: 1.1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 15vh auto; padding: 0 1rem">'
    .. '<h1>This address needs a signed key</h1><p>There is none with this request, or it has expired. Whoever may sign'
    .. ' makes a link that opens it:</p><pre style="overflow-x: auto"><code>detour sign ' .. html(key) .. ' --url https://'
    .. html(host) .. '/</code></pre></body></html>\n'
  local answer = { [':status'] = '403', ['content-type'] = PAGE_TYPE, ['cache-control'] = 'no-store' }
  handle:respond(answer, headers:get(':method') ~= 'HEAD' and page or nil)
end

-- Requests -------------------------------------------------------------------------------------------------------

-- A preview's own address. @return whether it was answered
local function admit(handle, headers, place, carried, verdict)
  if not place.direct then
    select(handle, headers, place.plain_shard)
    -- A host that nobody serves: Envoy's own 404.
    if handle:metadata():get('detour') ~= 'route' then return false end
  end
  if not takes_signed or not is_key(place.key) then
    answer_not_found(handle, headers, place.key, place.link)
    return true
  end
  local method = headers:get(':method')
  if method == 'GET' or method == 'HEAD' then
    local token, expires, location = token_of_query(headers:get(':path') or '', place.key)
    if token then
      answer_with_cookie(handle, token, expires, location)
      return true
    end
  end
  if not verified_key(handle, carried.texts, place.key) then
    answer_forbidden(handle, headers, place.key)
    return true
  end
  local there = verdict == 'live'
  if place.direct then
    -- Not before: these routes lead straight to the copy.
    select(handle, headers, place.shard)
    there = handle:metadata():get('detour') == 'route'
  end
  if not there then
    answer_not_found(handle, headers, place.key, place.link)
    return true
  end
  restore(headers, carried, place.key)
  carry(headers, place.key)
  handle:clearRouteCache()
  return false
end

-- They come after the body, when all is decided; no hop reads them, and no app is to.
local function strip_trailers(handle)
  local trailers = handle:trailers()
  if not trailers then return end
  strip_headers(trailers)
  for index = 1, #LISTS do
    rewrite_lines(trailers, LISTS[index], without_carriers)
  end
end

local function on_guarded_request(handle, headers)
  local place = place_of(headers:get(':authority') or '')
  local verdict = place.key and handle:route():metadata():get('detour')
  -- Under the preview domain an address leads straight to a copy, whoever declared a host of that name.
  local is_preview = place.direct or place.key and verdict ~= 'host'
  local carried = takes_signed and read_carried(headers)
  if carried and is_preview then read_cookies(headers, carried.texts) end
  strip(handle, headers)
  if takes_signed and has_origins and answer_preflight(handle, headers) then return end
  if is_preview then
    if admit(handle, headers, place, carried, verdict) then return end
  else
    local key = carried and verified_key(handle, carried.texts)
    if key then restore(headers, carried, key) end
    select(handle, headers, place.shard)
  end
  settle_members(handle, headers)
  strip_trailers(handle)
end

function envoy_on_request(handle)
  local headers = handle:headers()
  if gateway then return on_guarded_request(handle, headers) end
  strip(handle, headers)
  strip_trailers(handle)
end
