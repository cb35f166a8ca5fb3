-- Asks for the URLs of a file (BENCH_URLS, one a line), in an order that jumps through it, again and again.
local requests, next_index, stride = {}, 0, 1

function init()
  for url in io.lines(os.getenv("BENCH_URLS")) do
    requests[#requests + 1] = wrk.format("GET", url)
  end
  -- 7919 is prime: with any count that it does not divide, every URL comes once before one comes twice.
  stride = 7919 % #requests
end

function request()
  next_index = (next_index + stride) % #requests
  return requests[next_index + 1]
end
