"""Who makes the load: wrk, pace (load/pace.c), and a single question with a known answer."""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import re
import subprocess

from .failure import Failure
from .programs import compiled

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "load"
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked, and what the answer must be."""
    path: str
    text: str = ""                  # what the answer must contain
    method: str = "GET"
    body: bytes = None
    status: int = 200
    script: str = None              # in load/
    urls: pathlib.Path = None       # asked for in turn instead of `path`


@dataclasses.dataclass(frozen=True)
class Load:
    """What one run of a load generator saw."""
    requests: int
    rate: float                     # requests per second
    latencies: dict                 # "p50" and the like to milliseconds
    failed: int                     # answers of 400 and above, and socket errors


def check(server, request):
    """Asks once and compares the answer, so that nothing wrong is ever measured."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.sock = server.connected(30)
    try:
        connection.request(request.method, request.path, body=request.body)
        answer = connection.getresponse()
        got = answer.read()
        length = answer.getheader("Content-Length")
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{server.name} does not answer {request.method} {request.path}: {error!r}")
    finally:
        connection.close()
    if answer.status != request.status or request.text.encode() not in got or (length and int(length) != len(got)):
        raise Failure(f"{server.name} answered {request.method} {request.path} with {answer.status} and {got[:60]!r}, "
                      f"expected {request.status} and {request.text!r}")


def handshakes(server, cores, request, seconds, resumed):
    """A request on a new TLS connection, again and again, by openssl; how many."""
    command = ["openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-time", str(seconds), "-www", request.path,
               "-reuse" if resumed else "-new"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    count = re.search(r"^(\d+) connections in [\d.]+ real seconds", done.stdout, re.MULTILINE)
    if not count or int(count.group(1)) == 0:
        raise Failure("openssl s_time got no answers: " + " / ".join(done.stdout.strip().splitlines()[-3:]))
    return int(count.group(1))


def streams(server, cores, request, connections, each, requests):
    """h2load with HTTP/2: so many requests, `each` at a time on every connection; the seconds that it took."""
    command = ["h2load", f"-n{requests}", f"-c{connections}", f"-m{each}", f"https://127.0.0.1:{server.port}{request.path}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    took = re.search(r"^finished in ([\d.]+)(us|ms|s),", done.stdout, re.MULTILINE)
    succeeded = re.search(r"(\d+) succeeded", done.stdout)
    if not took or not succeeded or "Application protocol: h2" not in done.stdout:
        raise Failure("h2load got no answers: " + " / ".join(done.stdout.strip().splitlines()[-3:]))
    return float(took.group(1)) * UNITS_MS[took.group(2)] / 1000, requests - int(succeeded.group(1))


def wrk(server, cores, request, seconds, connections):
    """Runs wrk with one thread."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
    if request.script:
        command += ["-s", str(SCRIPTS / request.script)]
    command.append(f"http{'s' if server.tls else ''}://127.0.0.1:{server.port}{request.path}")
    environment = dict(os.environ, BENCH_URLS=str(request.urls or ""), BENCH_BODY_BYTES=str(len(request.body or b"")))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    text = done.stdout
    total = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if done.returncode != 0 or not total or not rate or int(total.group(1)) == 0:
        raise Failure("wrk got no answers: " + " / ".join(text.strip().splitlines()[-3:]))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    failures = int(failed.group(1)) if failed else 0
    failures += sum(map(int, errors.groups())) if errors else 0
    found = re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    latencies = {f"p{which}": float(value) * UNITS_MS[unit] for which, value, unit in found}
    return Load(int(total.group(1)), float(rate.group(1)), latencies, failures)


@contextlib.contextmanager
def pace(bench, port, request, seconds, connections, active=1, rate=0.0, fresh=False, cores=None):
    """Starts pace and lets it warm up; the block's value is to be called once, for the run itself."""
    command = [compiled("load/pace.c", bench.directory), port, request.path, connections, active, rate, seconds,
               "fresh" if fresh else "kept"]
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: os.sched_setaffinity(0, cores or {bench.other_core}))

    def run():
        output, errors = process.communicate("go\n", timeout=seconds + 30)
        if process.returncode != 0 or not output:
            raise Failure(f"pace: {errors.strip() or 'no figures'}")
        found = json.loads(output)
        latencies = {name: found[name] / 1000 for name in ("p50", "p99", "p99.9", "max")}
        return Load(found["requests"], found["requests"] / found["seconds"], latencies, found["failed"])

    try:
        if process.stdout.readline() != "ready\n":
            raise Failure(f"pace: {process.stderr.read().strip()}")
        yield run
    finally:
        process.kill()
        process.communicate()
