"""The rows of the table: what is asked, of whom, and with which configuration.

Every proxy writes an access log and counts, as in production, but where a row says otherwise.
"""

import dataclasses
import re

from . import urlmaps
from .bench import Setup
from .kinds import Crowd, FixedRate, Handshakes, IdleMemory, KeptConnections, Kind, Start, Streams
from .load import Request
from .snapshots import SnapshotPauses

NEW, OLD = "page of the new site", "page of the old site"
PAGE = Request("/page.html", NEW)
ONE_SITE = "asks one site only"
# What Relevo's own figure is compared with, taken in the same turns.
PLAIN, NEITHER, NEW_URLS = "asked for the 48-byte page", "without log and metrics", "asked for as many URLs of the new site"

# A peer is left out of a map that would take it minutes or gigabytes, or a good part of a second for each request.
MOST_SET_MAP = 100_000
MOST_STATIC = 1_000_000
MOST_NGINX = 100_000


@dataclasses.dataclass
class Row:
    """The same requests to every setup, measured in one way."""
    title: str
    kind: Kind
    request: Request
    setups: list
    absent: dict = dataclasses.field(default_factory=dict)  # program: why it has no figure
    beside: str = ""                # label of the setup that Relevo's own figure is compared with


def relevo(label="", **options):
    return Setup("relevo", "relevo.flags", label, **options)


def plain(label="", **options):
    """Everybody as a plain reverse proxy before the new site."""
    templates = {"relevo": "relevo.flags", "floor": "floor.args", "nginx": "nginx-plain.conf",
                 "haproxy": "haproxy-plain.cfg", "varnish": "varnish-plain.vcl", "caddy": "caddy-plain.Caddyfile",
                 "trafficserver": "trafficserver-plain.remap"}
    return [Setup(program, template, label, **options) for program, template in templates.items()]


def some(setups, *programs):
    return [setup for setup in setups if setup.program in programs]


def all_rows(bench, counts, connections, only=""):
    """The rows whose title has `only`, an expression, in the table's order; teaches Relevo the URLs that they are about."""
    kept, few = KeptConnections(connections), KeptConnections(8)
    logging = ("relevo", "nginx", "haproxy")
    page = "48-byte page"
    rows = [
        Row(page, kept, PAGE, plain()),
        Row(f"{page}, access log off, metrics off", kept, PAGE, some(plain(log=False, metrics=False), *logging)),
        Row("what the access log costs", kept, PAGE, [relevo(metrics=False), relevo(NEITHER, log=False, metrics=False)],
            beside=NEITHER),
        Row("what metrics cost", kept, PAGE, [relevo(log=False), relevo(NEITHER, log=False, metrics=False)], beside=NEITHER),
        Row("what both cost", kept, PAGE, [relevo(), relevo(NEITHER, log=False, metrics=False)], beside=NEITHER),
        Row("30 kB page", kept, Request("/page-30k.html", NEW), plain()),
        Row("10 MB download, 8 connections", few, Request("/download", NEW),
            plain() + [Setup("haproxy", "haproxy-splice.cfg", "splice")]),
        Row("upload of 32 kB", kept, upload(32_768), plain()),
        Row("upload of 1 MB, 8 connections", few, upload(1_000_000), plain()),
        Row("404 fallback, both sites asked", kept, Request("/old-only.html", OLD),
            [relevo(extra=("--learn-on", "599")), relevo(PLAIN, request=PAGE), Setup("nginx", "nginx-fallback.conf"),
             Setup("varnish", "varnish-fallback.vcl"), Setup("caddy", "caddy-fallback.Caddyfile"),
             Setup("trafficserver", "trafficserver-fallback.remap")],
            {"floor": ONE_SITE, "haproxy": "cannot ask another backend after a 404"}, beside=PLAIN),
        *(learned(bench, count, connections) for count in counts if re.search(only, learned_title(count))),
        Row("a new connection per request", Crowd(connections, connections, fresh=True), PAGE, plain()),
        Row("10,000 connections, 100 active", Crowd(10_000, 100), PAGE, plain()),
        Row("idle kept connection", IdleMemory(), PAGE, plain()),
        Row(f"{page}, two workers", KeptConnections(connections, everywhere=True), PAGE,
            some(plain(workers=2) + plain("one worker"), *logging), {"floor": "has one"}, beside="one worker"),
        Row(f"{page} at half the peak", FixedRate(connections), PAGE, plain()),
        Row("start to first answer", Start(), PAGE,
            [relevo(extra=("--map-file", str(bench.directory / "empty.map"))), *plain()[1:]]),
        SnapshotPauses.row(Row, PAGE),
        *tls_rows(kept, few, page),
    ]
    return [row for row in rows if re.search(only, row.title)]


def tls_rows(kept, few, page):
    """Clients that speak TLS: the same certificate for everybody, TLS 1.3 but where the client can't."""
    absent = {"floor": "speaks no TLS"}
    def everybody(**options):
        return some(plain(tls=True, **options), "relevo", "nginx", "haproxy")
    return [
        Row(f"{page} over TLS", kept, PAGE, everybody(), absent),
        Row("30 kB page over TLS", kept, Request("/page-30k.html", NEW), everybody(), absent),
        Row("10 MB download over TLS, 8 connections", few, Request("/download", NEW), everybody(), absent),
        Row("a TLS handshake and a page", Handshakes(resumed=False), PAGE, everybody(), absent),
        Row("a TLS session gone on with, and a page", Handshakes(resumed=True), PAGE, everybody(), absent),
        Row("idle kept TLS connection", IdleMemory(2_000), PAGE, everybody(), absent),
        Row(f"{page} over HTTP/2, 100 streams", Streams(1, 100), PAGE, everybody(http2=True), absent),
        Row(f"{page} over HTTP/2, 10 connections of 10 streams", Streams(10, 10), PAGE, everybody(http2=True), absent),
        Row("30 kB page over HTTP/2, 100 streams", Streams(1, 100), Request("/page-30k.html", NEW), everybody(http2=True),
            absent),
        Row("10 MB download over HTTP/2, 2 connections of 4 streams", Streams(2, 4), Request("/download", NEW),
            everybody(http2=True), absent),
    ]


def upload(size):
    return Request("/upload", method="POST", body=b"relevo--" * (size // 8), status=204, script="upload.lua")


def learned_title(count):
    return f"a URL of the old site, {count:,} known"


def learned(bench, count, connections):
    """A row in which every request is for one of `count` URLs known to be on the old site."""
    known = urlmaps.urls(count)
    shared_map = urlmaps.for_relevo(bench, known, connections)
    more = ("--map-max-urls", str(2 * count)) if count > 500_000 else ()
    # By the same script: one URL again and again is a lighter load, under which more connections are ready at a time.
    others = Request(PAGE.path, NEW, script="urls.lua", urls=urlmaps.listing(bench, known, as_query_of=PAGE.path))
    setups = [relevo(extra=more, url_map=shared_map), relevo(NEW_URLS, extra=more, url_map=shared_map, request=others)]
    absent = {"floor": ONE_SITE}
    if count <= MOST_NGINX:
        setups.append(Setup("nginx", "nginx-learned.conf", "static map", url_map=urlmaps.for_nginx(bench, known)))
    else:
        absent["nginx"] = "its static map is for fewer"
    if count <= MOST_STATIC:
        setups.append(Setup("haproxy", "haproxy-learned.cfg", "static map", url_map=shared_map))
    else:
        absent["haproxy"] = "its map would take gigabytes"
    if count <= MOST_SET_MAP:
        setups.append(Setup("haproxy", "haproxy-set-map.cfg", "set-map on each answer", url_map=shared_map))
    request = Request(known[0], OLD, script="urls.lua", urls=urlmaps.listing(bench, known))
    return Row(learned_title(count), KeptConnections(connections), request, setups, absent, beside=NEW_URLS)
