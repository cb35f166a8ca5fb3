-- Asks for each URL of a file (BENCH_URLS, one a line) once, for the first thousand again, then stops.
local requests, asked, answered = {}, 0, 0

function init()
  for url in io.lines(os.getenv("BENCH_URLS")) do
    requests[#requests + 1] = wrk.format("GET", url)
  end
end

function request()
  asked = asked % #requests + 1
  return requests[asked]
end

-- Answers come in any order over many connections: a thousand more make sure that none of the first round is missing.
function response()
  answered = answered + 1
  if answered >= #requests + 1000 then
    wrk.thread:stop()
  end
end
