"""What the kernel says: cores, free ports, processor time, memory, versions."""

import os
import platform
import re
import socket
import subprocess

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def free_port():
    """A TCP port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cores():
    """(core of the proxy, core of everything else); the same one twice on a machine with one core."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[1] if len(usable) > 1 else usable[0]


def process_tree(pid):
    """A process and all its living descendants."""
    pids, found = [pid], []
    while pids:
        current = pids.pop()
        found.append(current)
        try:
            for task in os.listdir(f"/proc/{current}/task"):
                with open(f"/proc/{current}/task/{task}/children") as children:
                    pids.extend(int(child) for child in children.read().split())
        except OSError:
            continue
    return found


def cpu_seconds(pid):
    """Processor time, user and system, that a process and its living descendants have used."""
    ticks = 0
    for member in process_tree(pid):
        try:
            with open(f"/proc/{member}/stat") as stat:
                # The second field, the name, may hold blanks; what follows its bracket is regular.
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def resident_bytes(pid):
    """Resident memory of a process and its living descendants; pages that they share count once each."""
    total = 0
    for member in process_tree(pid):
        try:
            with open(f"/proc/{member}/status") as status:
                found = re.search(r"VmRSS:\s+(\d+) kB", status.read())
        except OSError:
            continue
        total += int(found.group(1)) * 1024 if found else 0
    return total


def first_line(*command):
    """The first line that a command prints, on either stream; empty when it cannot be run."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next(iter(done.stdout.splitlines()), "")


def description():
    """(name, value) pairs that a reader needs to judge the figures."""
    with open("/proc/cpuinfo") as cpuinfo:
        model = re.search(r"model name\s*:\s*(.*)", cpuinfo.read())
    return [
        ("Processor", f"{model.group(1) if model else platform.machine()}, "
                      f"{len(os.sched_getaffinity(0))} cores"),
        ("Kernel", f"{platform.system()} {platform.release()}"),
    ]
