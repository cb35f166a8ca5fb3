"""The kinds of measurement: what is done to a running proxy, and which figure counts."""

import contextlib
import dataclasses
import http.client
import socket
import statistics
import time

from . import load, machine
from .failure import Failure


@dataclasses.dataclass(frozen=True)
class Point:
    """What one measurement showed: the figure that counts, and others beside it by name."""
    headline: float
    beside: dict
    failed: int = 0


class Kind:
    """A kind of measurement, of the figure `unit`; less is better in all of them."""
    unit = ""

    def prepare(self, bench, row, say):
        """Once for each row, before the first round."""

    def points(self, bench, row, setups, seconds):
        """A point for each of the setups, in this order: one is started, measured and ended after the other."""
        for setup in setups:
            yield again(lambda: self.point(bench, row, setup, seconds))

    def point(self, bench, row, setup, seconds):
        with bench.proxy(setup) as server:
            load.check(server, row.request)
            point = self.measure(bench, server, row, seconds)
            server.check_alive()
            return point

    def measure(self, bench, server, row, seconds):
        raise NotImplementedError


def again(action):
    """What it returns, at the second try if need be: somebody may take a port between its choice and its use."""
    try:
        return action()
    except Failure:
        return action()


def per_request(server, used, elapsed, requests):
    """(µs per request, other figures) of so much processor time in so many seconds."""
    return used.total * 1e6 / requests, {
        "user µs": used.user * 1e6 / requests, "system µs": used.system * 1e6 / requests,
        "of a core, %": 100 * used.total / elapsed, "memory MB": machine.resident_bytes(server.pid) / 1e6}


def used_by(server, run):
    """(what `run` returns, processor time that the server used meanwhile, seconds that it took)."""
    before, began = machine.CPU(server.pid), time.monotonic()
    made = run()
    return made, machine.CPU(server.pid).since(before), time.monotonic() - began


@dataclasses.dataclass
class KeptConnections(Kind):
    """wrk over connections that are kept, as fast as it goes.

    All setups of the row are up together, and each has its turn a second long until all have had `seconds` of them.
    """
    connections: int = 64
    everywhere: bool = False        # proxy and load share all cores
    unit = "µs of processor time per request"

    def points(self, bench, row, setups, seconds):
        return again(lambda: self.in_turn(bench, row, setups, seconds))

    def in_turn(self, bench, row, setups, seconds):
        cores = {bench.proxy_core, bench.other_core} if self.everywhere else None
        load_cores = cores or {bench.other_core}
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(bench.proxy(setup, cores=cores)) for setup in setups]
            requests = [setup.request or row.request for setup in setups]
            def ask(server, request):
                return load.wrk(server, load_cores, request, 1, self.connections)
            for server, request in zip(servers, requests):
                load.check(server, request)
                ask(server, request)  # fills its pool of connections
            turns = [[] for _ in servers]
            for _ in range(seconds):
                for server, request, had in zip(servers, requests, turns):
                    had.append(used_by(server, lambda: ask(server, request)))
                    server.check_alive()
            return [self.joined(server, had) for server, had in zip(servers, turns)]

    def joined(self, server, had):
        made, used, elapsed = zip(*had)
        requests = sum(each.requests for each in made)
        def mean(name):
            return statistics.mean(each.latencies[name] for each in made)
        us, others = per_request(server, sum(used, start=machine.Usage(0, 0, 0)), sum(elapsed), requests)
        return Point(us, {**others, "requests/s": statistics.mean(each.rate for each in made), "p50 ms": mean("p50"),
                          "p99 ms": mean("p99")}, sum(each.failed for each in made))


@dataclasses.dataclass
class Crowd(Kind):
    """Requests under way on `active` of many connections, or each on a new one."""
    connections: int
    active: int
    fresh: bool = False
    unit = "µs of processor time per request"

    def measure(self, bench, server, row, seconds):
        with load.pace(bench, server.port, row.request, seconds, self.connections, self.active, fresh=self.fresh) as run:
            made, used, elapsed = used_by(server, run)
            us, others = per_request(server, used, elapsed, made.requests)
        return Point(us, {**others, "requests/s": made.rate,
                          **{f"{name} ms": made.latencies[name] for name in ("p50", "p99")}}, made.failed)


@dataclasses.dataclass
class Handshakes(Kind):
    """A request on a new TLS connection each, one after the other: all of it anew, or going on with a session."""
    resumed: bool
    unit = "µs of processor time per connection"

    def measure(self, bench, server, row, seconds):
        def run():
            return load.handshakes(server, {bench.other_core}, row.request, seconds, self.resumed)
        made, used, elapsed = used_by(server, run)
        us, others = per_request(server, used, elapsed, made)
        return Point(us, {**others, "connections/s": made / elapsed})


@dataclasses.dataclass
class Streams(Kind):
    """Requests of HTTP/2, `each` at a time on every connection. As many are made as fill the time, as a first look tells."""
    connections: int
    each: int
    unit = "µs of processor time per request"

    def measure(self, bench, server, row, seconds):
        def ask(requests):
            return load.streams(server, {bench.other_core}, row.request, self.connections, self.each, requests)
        first = 2 * self.connections * self.each
        requests = max(first, int(first * seconds / ask(first)[0]))
        (took, failed), used, elapsed = used_by(server, lambda: ask(requests))
        us, others = per_request(server, used, elapsed, requests)
        return Point(us, {**others, "requests/s": requests / took}, failed)


@dataclasses.dataclass
class FixedRate(Kind):
    """Latencies at half of the lowest peak of the three proxies that the table is about."""
    connections: int = 64
    rate: float = 0.0
    unit = "ms, p99.9"

    def prepare(self, bench, row, say):
        peaks = {}
        for setup in row.setups:
            with bench.proxy(setup) as server:
                load.check(server, row.request)
                arguments = (server, {bench.other_core}, row.request, 1, self.connections)
                peaks[setup.name] = max(load.wrk(*arguments).rate for _ in range(3))
        compared = [peaks[setup.name] for setup in row.setups if setup.program in ("relevo", "nginx", "haproxy")]
        self.rate = float(round(min(compared or peaks.values()) / 2, -2))
        for setup in [each for each in row.setups if peaks[each.name] < 1.2 * self.rate]:
            row.setups.remove(setup)
            row.absent[setup.program] = f"its peak of {peaks[setup.name]:,.0f}/s is too near"
        row.title += f" ({self.rate:,.0f} requests/s)"
        say(f"{row.title}: " + ", ".join(f"{name} {peak:,.0f}/s at most" for name, peak in peaks.items()))

    def measure(self, bench, server, row, seconds):
        with load.pace(bench, server.port, row.request, seconds, self.connections, rate=self.rate) as run:
            made, used, elapsed = used_by(server, run)
            us, others = per_request(server, used, elapsed, made.requests)
        return Point(made.latencies["p99.9"], {
            **{f"{name} ms": ms for name, ms in made.latencies.items() if name != "p99.9"},
            "requests/s": made.rate, "µs per request": us, "of a core, %": others["of a core, %"]}, made.failed)


@dataclasses.dataclass
class IdleMemory(Kind):
    """Memory that the proxy's processes gain with each connection that has asked once and then waits."""
    connections: int = 10_000
    unit = "bytes of memory per connection"

    def measure(self, bench, server, row, seconds):
        load.wrk(server, {bench.other_core}, row.request, 1, 64)
        time.sleep(0.5)
        before = machine.resident_bytes(server.pid)
        with contextlib.ExitStack() as stack:
            question = f"GET {row.request.path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            for _ in range(self.connections):
                client = stack.enter_context(server.connected(10))
                client.sendall(question)
                if not client.recv(4096).startswith(b"HTTP/1.1 200"):
                    raise Failure(f"{server.name} does not answer each of {self.connections} connections")
            time.sleep(1)
            after = machine.resident_bytes(server.pid)
        return Point((after - before) / self.connections, {"memory MB": after / 1e6})


class Start(Kind):
    """From the start of the program to its first answer."""
    unit = "ms"

    def point(self, bench, row, setup, seconds):
        with bench.proxy(setup, wait=False) as server:
            while not self.answers(server.port, row.request):
                server.check_alive()
                if time.monotonic() - server.began > 30:
                    raise Failure(f"{server.name} does not answer after 30 seconds: {server.last_words()}")
                time.sleep(0.0002)
            ms = 1000 * (time.monotonic() - server.began)
            used = machine.CPU(server.pid).seconds
            return Point(ms, {"processor time ms": 1000 * used, "memory MB": machine.resident_bytes(server.pid) / 1e6})

    def answers(self, port, request):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", request.path)
            answer = connection.getresponse()
            return request.text.encode() in answer.read() and answer.status == request.status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
