"""System calls per request, by strace, in runs of their own."""

import pathlib
import subprocess

from . import load, machine


def system_calls(bench, row, setup, connections):
    """{name: calls per request}, largest first."""
    arguments = ({bench.other_core}, setup.request or row.request, 1, connections)
    with bench.proxy(setup) as server:
        load.wrk(server, *arguments)
        summary = pathlib.Path(bench.directory) / "strace.out"
        command = ["strace", "-f", "-c", "-o", str(summary)]
        for pid in machine.process_tree(server.pid):
            command += ["-p", str(pid)]
        tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            tracer.stderr.readline()  # "attached"
            requests = load.wrk(server, *arguments).requests
        finally:
            tracer.terminate()
            tracer.communicate()
    calls = {}
    for line in summary.read_text().splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[0].replace(".", "").isdigit() and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3]) / requests
    return dict(sorted(calls.items(), key=lambda item: -item[1]))
