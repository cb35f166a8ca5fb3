"""The rows of the table: what is asked, of whom, and with which configuration."""

import dataclasses
import pathlib
import signal
import time
import zlib

from . import load
from .servers import Failure

UPLOAD = b"relevo--" * 4096


@dataclasses.dataclass
class Setup:
    """How a program is configured for a row."""
    program: str                    # relevo, nginx or haproxy
    template: str                   # in conf/
    label: str = ""                 # told apart from the same program's plain configuration by this
    extra: tuple = ()               # more flags of Relevo's
    url_map: pathlib.Path = None    # the file behind @url_map@ and Relevo's --map-file

    @property
    def name(self):
        names = {"relevo": "Relevo", "nginx": "nginx", "haproxy": "HAProxy"}
        return names[self.program] + (f", {self.label}" if self.label else "")


@dataclasses.dataclass
class Scenario:
    """A row: the same requests to every setup."""
    title: str
    path: str
    setups: list
    text: str = ""                  # what the answer must contain
    method: str = "GET"
    body: bytes = None
    status: int = 200
    script: str = None              # in load/
    urls: pathlib.Path = None       # asked for in turn instead of `path`
    access_log: bool = False
    absent: dict = dataclasses.field(default_factory=dict)  # program: why it has no figure


def plain():
    return [Setup("relevo", "relevo.flags"), Setup("nginx", "nginx-plain.conf"),
            Setup("haproxy", "haproxy-plain.cfg")]


def all_scenarios(bench, counts, connections):
    """Every row; teaches Relevo the URLs of those about learned ones."""
    new, old = "page of the new site", "page of the old site"
    rows = [
        Scenario("plain page, 48 bytes", "/page.html", plain(), new),
        Scenario("plain page, 30 kB", "/page-30k.html", plain(), new),
        Scenario("plain page, 48 bytes, access log on", "/page.html", plain(), new, access_log=True),
        Scenario("upload, 32 kB", "/upload", plain(), method="POST", body=UPLOAD, status=204,
                 script="upload.lua"),
        Scenario("404 fallback, both sites asked", "/old-only.html",
                 [Setup("relevo", "relevo.flags", extra=("--learn-on", "599")),
                  Setup("nginx", "nginx-fallback.conf")],
                 old, absent={"haproxy": "cannot ask another backend after a 404"}),
    ]
    for count in counts:
        rows.append(learned(bench, count, connections, old))
    return rows


# Past these, a map is written instead of taught, only so many of its URLs are asked for, and a peer is left out that would
# take minutes or gigabytes.
MOST_TAUGHT = 100_000
MOST_ASKED = 200_000
MOST_SET_MAP = 100_000
MOST_STATIC = 1_000_000


def learned(bench, count, connections, text):
    """A row in which every request is for one of `count` URLs known to be on the old site."""
    urls = [f"/archive/{1998 + n % 20}/{n % 12 + 1:02}/article-{n:07}.html" for n in range(count)]
    listing = bench.directory / f"urls-{count}.txt"
    listing.write_text("".join(f"{url}\n" for url in urls[::max(1, count // MOST_ASKED)]))
    title = f"a URL of the old site, {count:,} known"
    if count > MOST_TAUGHT:
        shared_map = written(bench, urls)
        setups = [Setup("relevo", "relevo.flags", extra=("--map-max-urls", str(2 * count)), url_map=shared_map)]
        if count <= MOST_STATIC:
            setups.append(Setup("haproxy", "haproxy-learned.cfg", "static map", url_map=shared_map))
        return Scenario(title, urls[0], setups, text, script="urls.lua", urls=listing)
    nginx_map = bench.directory / f"nginx-{count}.map"
    nginx_map.write_text("".join(f"{url} old;\n" for url in urls))
    setups = [Setup("nginx", "nginx-learned.conf", "static map", url_map=nginx_map)]
    if bench.relevo:
        shared_map = teach(bench, listing, count, connections)
        setups.insert(0, Setup("relevo", "relevo.flags", url_map=shared_map))
    else:
        shared_map = bench.directory / f"haproxy-{count}.map"
        shared_map.write_text("".join(f"{url} old\n" for url in urls))
    setups.append(Setup("haproxy", "haproxy-learned.cfg", "static map", url_map=shared_map))
    if count <= MOST_SET_MAP:
        setups.append(Setup("haproxy", "haproxy-set-map.cfg", "set-map on each answer", url_map=shared_map))
    return Scenario(title, urls[0], setups, text, script="urls.lua", urls=listing)


def written(bench, urls):
    """A snapshot as Relevo writes them."""
    map_file = bench.directory / f"relevo-{len(urls)}.map"
    checksum = 0
    now = int(time.time())
    with map_file.open("wb") as file:
        lines = ["# relevo url map 1\n"]
        for url in sorted(urls):
            lines.append(f"{url} old {now} {now} 0\n")
            if len(lines) > 10_000:
                checksum = put(file, lines, checksum)
                lines = []
        checksum = put(file, lines, checksum)
        file.write(f"# end urls={len(urls)} crc32={checksum:08x}\n".encode())
    return map_file


def put(file, lines, checksum):
    data = "".join(lines).encode()
    file.write(data)
    return zlib.crc32(data, checksum)


def teach(bench, listing, count, connections):
    """Lets Relevo learn each URL by a visit, and returns the file that it wrote when it was told to end.

    HAProxy then reads this very file.
    """
    map_file = bench.directory / f"relevo-{count}.map"
    setup = Setup("relevo", "relevo.flags", extra=("--map-file", str(map_file)))
    for _ in range(3):
        with bench.proxy(setup) as relevo:
            load.wrk(relevo.port, bench.other_core, "/", 60, connections, "teach.lua", listing)
            relevo.process.send_signal(signal.SIGTERM)
            relevo.process.wait(timeout=60)
        known = sum(1 for line in map_file.open() if line.strip() and not line.startswith("#"))
        if known == count:
            return map_file
    raise Failure(f"Relevo learned {known} of {count} URLs in three passes")
