"""Whether writing snapshots of a large map makes requests wait."""

import contextlib
import os
import re
import subprocess
import urllib.request

from . import load, urlmaps
from .bench import Setup
from .kinds import Kind, Point

KNOWN = 1_000_000
RATE = 2_000.0
NONE = "none written"


class SnapshotPauses(Kind):
    """The plain page at a fixed rate while others visit pages of the old site that are not known yet, with one snapshot after
    the other and with none."""
    unit = "ms, p99.9"

    @staticmethod
    def row(row, page):
        """Relevo alone."""
        title = f"48-byte page ({RATE:,.0f} requests/s) while snapshots of {KNOWN:,} URLs are written"
        setups = [Setup("relevo", "relevo.flags", label,
                        extra=("--map-max-urls", str(10 * KNOWN), "--map-snapshot-every", every))
                  for label, every in (("", "100ms"), (NONE, "24h"))]
        return row(title, SnapshotPauses(), page, setups, beside=NONE)

    def prepare(self, bench, row, say):
        for setup in row.setups:
            setup.url_map = urlmaps.written(bench, urlmaps.urls(KNOWN))

    def measure(self, bench, server, row, seconds):
        seconds = max(seconds, 3)  # a snapshot of so many takes most of a second
        before = metrics(server)
        with load.pace(bench, server.port, row.request, seconds, 16, rate=RATE) as run, visitors(bench, server, seconds):
            made = run()
        now = metrics(server)
        gained = {name: value - before.get(name, 0) for name, value in now.items()}
        late = lateness(gained)
        return Point(made.latencies["p99.9"], {
            "p50 ms": made.latencies["p50"], "p99 ms": made.latencies["p99"], "max ms": made.latencies["max"],
            "snapshots": gained.get("relevo_map_snapshots_total", 0), "URLs learned": gained["relevo_map_learned_total"],
            "lag of the loop, samples": late[float("inf")], "over 1 ms": late[float("inf")] - late[0.001],
            "over 5 ms": late[float("inf")] - late[0.005], "over 25 ms": late[float("inf")] - late[0.025]}, made.failed)


@contextlib.contextmanager
def visitors(bench, server, seconds):
    """Two connections that ask for pages that only the old site has, each once."""
    script = str(load.SCRIPTS / "unknown.lua")
    process = subprocess.Popen(
        ["wrk", "-t1", "-c2", f"-d{seconds + 3}s", "-s", script, f"http://127.0.0.1:{server.port}/"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {bench.other_core}))
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def metrics(server):
    """Every sample of /metrics by its name and labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.admin_port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {name: float(value) for name, value in re.findall(r"^([^#\s]\S*(?: [^\s]*\})?) (\S+)$", text, re.MULTILINE)}


def lateness(samples):
    """Upper bounds of the loop-lag histogram, all workers together, to how many timers kept them."""
    counts = {}
    for name, value in samples.items():
        found = re.match(r'relevo_loop_lag_seconds_bucket\{.*le="([^"]+)"', name)
        if found:
            bound = float("inf") if found.group(1) == "+Inf" else float(found.group(1))
            counts[bound] = counts.get(bound, 0) + value
    return counts
