"""One measurement: wrk against a running proxy, and what the proxy spent on it."""

import dataclasses
import http.client
import os
import pathlib
import re
import subprocess
import time

from . import machine
from .servers import Failure

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent / "load"
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


@dataclasses.dataclass
class Point:
    """What one run of wrk showed."""
    cpu_us: float         # processor time of the proxy per request
    rate: float           # requests per second
    p50_ms: float
    p99_ms: float
    busy: float           # share of its core that the proxy used, 0 to 1
    memory_mb: float      # resident, at the end
    failed: int           # answers of 400 and above, and socket errors


def check(server, method, path, body, status, text):
    """Asks once and compares the answer, so that nothing wrong is ever measured."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        got = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{server.name} does not answer {method} {path}: {error!r}")
    finally:
        connection.close()
    if answer.status != status or text.encode() not in got:
        raise Failure(f"{server.name} answered {method} {path} with {answer.status} and {got[:60]!r}, "
                      f"expected {status} and {text!r}")


def wrk(port, core, path, seconds, connections, script=None, urls=None):
    """Runs wrk with one thread; returns (requests, rate, p50 ms, p99 ms, failures)."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
    if script:
        command += ["-s", str(SCRIPTS / script)]
    command.append(f"http://127.0.0.1:{port}{path}")
    environment = dict(os.environ, BENCH_URLS=str(urls or ""))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, {core}))
    text = done.stdout
    total = re.search(r"(\d+) requests in", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if done.returncode != 0 or not total or not rate or int(total.group(1)) == 0:
        raise Failure("wrk got no answers: " + " / ".join(text.strip().splitlines()[-3:]))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    failures = int(failed.group(1)) if failed else 0
    failures += sum(map(int, errors.groups())) if errors else 0
    return int(total.group(1)), float(rate.group(1)), percentile(text, 50), percentile(text, 99), failures


def percentile(text, which):
    found = re.search(rf"^\s+{which}%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    return float(found.group(1)) * UNITS_MS[found.group(2)] if found else float("nan")


def measure(server, core, scenario, seconds, connections):
    """A short warm-up that fills the pools of connections, then the measured run."""
    load = dict(path=scenario.path, connections=connections, script=scenario.script, urls=scenario.urls)
    wrk(server.port, core, seconds=1, **load)
    cpu, began = machine.cpu_seconds(server.pid), time.monotonic()
    requests, rate, p50, p99, failed = wrk(server.port, core, seconds=seconds, **load)
    cpu, elapsed = machine.cpu_seconds(server.pid) - cpu, time.monotonic() - began
    if server.process.poll() is not None:
        raise Failure(f"{server.name} ended while it was measured: {server.last_words()}")
    return Point(cpu * 1e6 / requests, rate, p50, p99, cpu / elapsed,
                 machine.resident_bytes(server.pid) / 1e6, failed)


def system_calls(server, core, scenario, connections, directory):
    """System calls per request, by strace: {name: calls per request}, largest first."""
    load = dict(path=scenario.path, connections=connections, script=scenario.script, urls=scenario.urls)
    wrk(server.port, core, seconds=1, **load)
    summary = pathlib.Path(directory) / "strace.out"
    command = ["strace", "-f", "-c", "-o", str(summary)]
    for pid in machine.process_tree(server.pid):
        command += ["-p", str(pid)]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE)
    try:
        tracer.stderr.readline()  # "attached"
        requests = wrk(server.port, core, seconds=1, **load)[0]
    finally:
        tracer.terminate()
        tracer.communicate()
    calls = {}
    for line in summary.read_text().splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[0].replace(".", "").isdigit() and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3]) / requests
    return dict(sorted(calls.items(), key=lambda item: -item[1]))
