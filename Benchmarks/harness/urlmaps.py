"""Maps of learned URLs, as Relevo writes them; HAProxy reads these very files."""

import signal
import time
import zlib

from . import load
from .bench import Setup
from .failure import Failure

# Past these, a map is written instead of taught, and only so many of its URLs are asked for.
MOST_TAUGHT = 100_000
MOST_ASKED = 200_000


def urls(count):
    return [f"/archive/{1998 + n % 20}/{n % 12 + 1:02}/article-{n:07}.html" for n in range(count)]


def listing(bench, known, as_query_of=None):
    """The file of those that are asked for, or of as many URLs of one page."""
    path = bench.directory / f"urls-{len(known)}{'-of-a-page' if as_query_of else ''}.txt"
    asked = known[::max(1, len(known) // MOST_ASKED)]
    path.write_text("".join(f"{as_query_of}?{url}\n" if as_query_of else f"{url}\n" for url in asked))
    return path


def for_nginx(bench, known):
    path = bench.directory / f"nginx-{len(known)}.map"
    path.write_text("".join(f"{url} old;\n" for url in known))
    return path


def for_relevo(bench, known, connections):
    """A map file with these URLs: learned by visits where that takes no minutes, else written."""
    if bench.relevo and len(known) <= MOST_TAUGHT:
        return taught(bench, known, connections)
    return written(bench, known)


def written(bench, known):
    """A map file as Relevo writes them."""
    map_file = bench.directory / f"relevo-{len(known)}.map"
    checksum = 0
    now = int(time.time())
    with map_file.open("wb") as file:
        lines = ["# relevo url map 1\n"]
        for url in sorted(known):
            lines.append(f"{url} old {now} {now} 0\n")
            if len(lines) > 10_000:
                checksum = put(file, lines, checksum)
                lines = []
        checksum = put(file, lines, checksum)
        file.write(f"# end urls={len(known)} crc32={checksum:08x}\n".encode())
    return map_file


def put(file, lines, checksum):
    data = "".join(lines).encode()
    file.write(data)
    return zlib.crc32(data, checksum)


def taught(bench, known, connections):
    """Lets Relevo learn each URL by a visit, and returns the file that it wrote when it was told to end."""
    map_file = bench.directory / f"relevo-{len(known)}.map"
    setup = Setup("relevo", "relevo.flags", extra=("--map-file", str(map_file)))
    visits = load.Request("/", script="teach.lua", urls=listing(bench, known))
    for _ in range(3):
        with bench.proxy(setup) as relevo:
            load.wrk(relevo, {bench.other_core}, visits, 60, connections)
            relevo.process.send_signal(signal.SIGTERM)
            relevo.process.wait(timeout=60)
        learned = sum(1 for line in map_file.open() if line.strip() and not line.startswith("#"))
        if learned == len(known):
            return map_file
    raise Failure(f"Relevo learned {learned} of {len(known)} URLs in three passes")
