-- Visitors for wrk, one a thread, so that each has a connection, a cookie and a form of its own.
-- Arguments: what they do again and again, and the event's slug. `insert` asks the floor;
-- `post` sends the form that was opened once; `whole` opens it, sends it, and follows the answer.

local threads = {}

function setup(thread)
  thread:set("visitor", #threads)
  table.insert(threads, thread)
end

local NEXT = {
  insert = { insert = "insert" },
  post = { form = "send", send = "send" },
  whole = { form = "send", send = "follow", follow = "form" },
}
local EXPECTED = { insert = 204, form = 200, send = 303, follow = 200 }
local ABOUT = "&name=Ada+Example&organisation=Example+Institute&consent=y"

function init(arguments)
  kind, slug = arguments[1], arguments[2]
  step = kind == "insert" and "insert" or "form"
  cookie, fields, location = nil, "", ""
  number, finished, failed = 0, 0, 0
end

local function encoded(text)
  return (text:gsub("[^%w%-_%.]", function(sign) return string.format("%%%02X", sign:byte()) end))
end

local function headers_of(is_form)
  local headers = { Cookie = cookie }
  if is_form then headers["Content-Type"] = "application/x-www-form-urlencoded" end
  return headers
end

function request()
  local path = "/events/" .. slug .. "/rsvp"
  if step == "form" then return wrk.format("GET", path, headers_of(false)) end
  if step == "follow" then return wrk.format("GET", location, headers_of(false)) end
  number = number + 1
  local email = "&email=" .. slug .. kind .. os.time() .. "v" .. visitor .. "n" .. number
  local target = step == "insert" and "/insert" or path
  return wrk.format("POST", target, headers_of(true), fields .. email .. "%40example.org" .. ABOUT)
end

function response(status, headers, body)
  if status ~= EXPECTED[step] then
    failed = failed + 1
    step = kind == "insert" and "insert" or "form"
    return
  end
  local set = headers["Set-Cookie"]
  if set then cookie = set:match("^[^;]+") end
  if step == "form" then
    local token = body:match('name="csrf_token" value="([^"]*)"')
    local started = body:match('name="started" value="([^"]*)"')
    local attend = body:match('name="attend" value="(%w+)"')
    fields = "csrf_token=" .. encoded(token) .. "&started=" .. encoded(started) .. "&attend=" .. attend
  elseif step == "send" then
    location = headers["Location"]
  end
  local last = { insert = "insert", post = "send", whole = "follow" }
  if step == last[kind] then finished = finished + 1 end
  step = NEXT[kind][step]
end

function done(summary, latency, requests)
  local all, bad = 0, 0
  for _, thread in ipairs(threads) do
    all, bad = all + thread:get("finished"), bad + thread:get("failed")
  end
  io.write(string.format("finished %d failed %d seconds %.3f\n", all, bad, summary.duration / 1e6))
end
