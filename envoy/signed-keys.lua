-- Signed keys, `key.expiry.signature`: see src/keys, which makes and reads them by the same rules. Translation puts this
-- behind detour.lua in gateways with `carriers = 'signed'`, with `keys_file` among the settings.
--
-- The file with the secrets is read here and nowhere else: no control plane ever sees one. A file that is missing, or
-- that holds no secret, lets no key count.

local signed = (function()
  local band, bor, bxor, bnot = bit.band, bit.bor, bit.bxor, bit.bnot
  local ror, rshift, lshift, tobit = bit.ror, bit.rshift, bit.lshift, bit.tobit
  local rep, concat = string.rep, table.concat

  local SIGNED_TEXT = 'detour.dev/signed-key/v1:'
  local SHORTEST_SECRET, MOST_SECRETS = 32, 8
  local MOST_BYTES = 65536
  local SECONDS_BETWEEN_LOOKS = 5
  local MOST_REMEMBERED = 1024 -- in each worker; those that count alone, so nobody else fills it

  -- SHA-256 (FIPS 180-4) ---------------------------------------------------------------------------------------------

  local K = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  }
  local START = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }
  local words = {}

  -- One block of `text`, from byte `at` on, into the eight words of `state`.
  local function compress(state, text, at)
    for index = 1, 16 do
      local a, b, c, d = byte(text, at, at + 3)
      words[index] = bor(lshift(a, 24), lshift(b, 16), lshift(c, 8), d)
      at = at + 4
    end
    for index = 17, 64 do
      local x, y = words[index - 15], words[index - 2]
      local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
      local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
      words[index] = tobit(words[index - 16] + s0 + words[index - 7] + s1)
    end
    local a, b, c, d, e, f, g, h = state[1], state[2], state[3], state[4], state[5], state[6], state[7], state[8]
    for index = 1, 64 do
      local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
      local one = tobit(h + s1 + bxor(band(e, f), band(bnot(e), g)) + K[index] + words[index])
      local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
      local two = tobit(s0 + bxor(band(a, b), band(a, c), band(b, c)))
      h, g, f, e, d, c, b, a = g, f, e, tobit(d + one), c, b, a, tobit(one + two)
    end
    state[1], state[2], state[3], state[4] =
      tobit(state[1] + a), tobit(state[2] + b), tobit(state[3] + c), tobit(state[4] + d)
    state[5], state[6], state[7], state[8] =
      tobit(state[5] + e), tobit(state[6] + f), tobit(state[7] + g), tobit(state[8] + h)
  end

  local function word_bytes(word)
    return char(rshift(word, 24), band(rshift(word, 16), 255), band(rshift(word, 8), 255), band(word, 255))
  end

  local function state_bytes(state)
    local parts = {}
    for index = 1, 8 do
      parts[index] = word_bytes(state[index])
    end
    return concat(parts)
  end

  -- The hash of what `state` has seen, `seen` bytes, and then `text`.
  local function finish(state, seen, text)
    local length = seen + #text
    local padded = text .. '\128' .. rep('\0', (55 - length) % 64) .. '\0\0\0\0' .. word_bytes(tobit(length * 8))
    local copy = { unpack(state) }
    for at = 1, #padded, 64 do
      compress(copy, padded, at)
    end
    return state_bytes(copy)
  end

  local function start()
    local state = {}
    for index = 1, 8 do
      state[index] = tobit(START[index])
    end
    return state
  end

  -- HMAC (RFC 2104): the two blocks with the secret in them are the same for every text.
  local function hmac_states(secret)
    if #secret > 64 then secret = finish(start(), 0, secret) end
    local function padded(with)
      local block = gsub(secret .. rep('\0', 64 - #secret), '.', function(each)
        return char(bxor(byte(each), with))
      end)
      local state = start()
      compress(state, block, 1)
      return state
    end
    return { inner = padded(0x36), outer = padded(0x5c) }
  end

  local function hmac(states, text)
    return finish(states.outer, 64, finish(states.inner, 64, text))
  end

  local LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

  local function base64url(bytes)
    local parts = {}
    for at = 1, #bytes, 3 do
      local a, b, c = byte(bytes, at, at + 2)
      local bits = lshift(a, 16) + lshift(b or 0, 8) + (c or 0)
      for index = 0, c and 3 or b and 2 or 1 do
        local place = band(rshift(bits, 18 - 6 * index), 63) + 1
        parts[#parts + 1] = sub(LETTERS, place, place)
      end
    end
    return concat(parts)
  end

  -- In the same time wherever they differ.
  local function same(a, b)
    if #a ~= #b then return false end
    local differs = 0
    for index = 1, #a do
      differs = bor(differs, bxor(byte(a, index), byte(b, index)))
    end
    return differs == 0
  end

  -- The file ---------------------------------------------------------------------------------------------------------

  local secrets, content, next_look, looked = {}, nil, 0, false
  local remembered, remembered_count = {}, 0
  local news -- what is to be told of the file, once

  local function read_file()
    local file, why = io.open(settings.keys_file, 'rb')
    if not file then return nil, why end
    local text = file:read(MOST_BYTES)
    file:close()
    return text or ''
  end

  local function look(now)
    next_look = now + SECONDS_BETWEEN_LOOKS
    local text, why = read_file()
    if looked and text == content then return end
    looked, content, secrets, remembered, remembered_count = true, text, {}, {}, 0
    local short = 0
    for line in gmatch(text or '', '[^\n]+') do
      line = match(line, '^[ \t\r]*(.-)[ \t\r]*$')
      if line ~= '' and sub(line, 1, 1) ~= '#' then
        if #line < SHORTEST_SECRET then
          short = short + 1
        elseif #secrets < MOST_SECRETS then
          secrets[#secrets + 1] = hmac_states(line)
        end
      end
    end
    if #secrets == 0 then
      news = 'detour: no signed key counts: ' .. settings.keys_file .. ' '
        .. (why and 'cannot be read: ' .. why or 'holds no secret of ' .. SHORTEST_SECRET .. ' bytes or more')
    elseif short > 0 then
      news = 'detour: ' .. settings.keys_file .. ' has ' .. short .. ' lines with less than ' .. SHORTEST_SECRET
        .. ' bytes, which do not count'
    end
  end

  -- The key that a text is a signed form of and its expiry; or nil and why not: `unsigned`, `expired`, `forged`.
  local function verify(text)
    local now = os.time()
    if now >= next_look then look(now) end
    local known = remembered[text]
    if known then
      if known.expires > now then return known.key, known.expires end
      return nil, 'expired'
    end
    local said, key, expires, signature = match(text, '^(([a-z0-9-]+)%.([1-9]%d*))%.([A-Za-z0-9_-]+)$')
    if not said or #signature ~= 43 or #expires > 11 or not is_key(key) then return nil, 'unsigned' end
    local genuine = false
    for index = 1, #secrets do
      if same(base64url(hmac(secrets[index], SIGNED_TEXT .. said)), signature) then genuine = true end
    end
    if not genuine then return nil, 'forged' end
    expires = tonumber(expires)
    if expires <= now then return nil, 'expired' end
    if remembered_count == MOST_REMEMBERED then
      remembered, remembered_count = {}, 0
    end
    remembered[text] = { key = key, expires = expires }
    remembered_count = remembered_count + 1
    return key, expires
  end

  -- What there is to be told of the file, once.
  local function take_news()
    local text = news
    news = nil
    return text
  end

  return { verify = verify, take_news = take_news }
end)()
