-- Asks for pages of the old site, each of them once.
local asked, pages = 0, os.time()

function request()
  asked = asked + 1
  return wrk.format("GET", "/archive/unknown/" .. pages .. "/" .. asked .. ".html")
end
