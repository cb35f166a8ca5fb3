"""What the kernel says: cores, free ports, processor time, memory, versions."""

import dataclasses
import os
import platform
import random
import re
import resource
import socket
import subprocess

from .failure import Failure

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def free_port():
    """A TCP port of 127.0.0.1 that nothing listens on.

    It is none that the kernel gives to clients: a client that waits for a listener would, once in 28,000 tries, get that port
    for itself and be connected to itself.
    """
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first, last = map(int, file.read().split())
    candidates = [*range(1024, first), *range(last + 1, 65536)][-16384:]
    for port in random.sample(candidates, len(candidates)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failure("no TCP port is free")


def cores():
    """(core of the proxy, core of everything else); the same one twice on a machine with one core."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[1] if len(usable) > 1 else usable[0]


def allow_many_files():
    """Raises the limit on open files as far as it goes, for this process and all that it starts; returns it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


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


@dataclasses.dataclass(frozen=True)
class Usage:
    """Processor time in seconds, as a difference of two `CPU`s."""
    total: float
    user: float
    system: float

    def __add__(self, other):
        return Usage(self.total + other.total, self.user + other.user, self.system + other.system)


class CPU:
    """What a process and its living descendants have used until now.

    The scheduler counts nanoseconds a thread, and ticks of user and system time a process: the first say how much, the
    second how it divides.
    """

    def __init__(self, pid):
        self.nanoseconds, self.user_ticks, self.system_ticks = {}, 0, 0
        for member in process_tree(pid):
            try:
                with open(f"/proc/{member}/stat") as stat:
                    # The second field, the name, may hold blanks; what follows its bracket is regular.
                    fields = stat.read().rpartition(")")[2].split()
                self.user_ticks += int(fields[11])
                self.system_ticks += int(fields[12])
                for task in os.listdir(f"/proc/{member}/task"):
                    with open(f"/proc/{member}/task/{task}/schedstat") as schedstat:
                        self.nanoseconds[task] = int(schedstat.read().split()[0])
            except OSError:
                continue

    @property
    def seconds(self):
        """All of it, from its start."""
        return sum(self.nanoseconds.values()) / 1e9

    def since(self, before):
        user, system = self.user_ticks - before.user_ticks, self.system_ticks - before.system_ticks
        total = sum(now - before.nanoseconds.get(task, 0) for task, now in self.nanoseconds.items()) / 1e9
        if before.nanoseconds.keys() - self.nanoseconds.keys():
            total = (user + system) / TICKS_PER_SECOND  # a thread has ended and taken its nanoseconds with it
        share = user / (user + system) if user + system else 0.0
        return Usage(total, total * share, total * (1 - share))


def resident_bytes(pid):
    """Resident memory of a process and its living descendants; pages that they share count once each."""
    total = 0
    for member in process_tree(pid):
        try:
            with open(f"/proc/{member}/smaps_rollup") as rollup:
                found = re.search(r"^Rss:\s+(\d+) kB", rollup.read(), re.MULTILINE)
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
    return next((line for line in done.stdout.splitlines() if line.strip()), "").strip()


def description():
    """(name, value) pairs that a reader needs to judge the figures."""
    with open("/proc/cpuinfo") as cpuinfo:
        model = re.search(r"model name\s*:\s*(.*)", cpuinfo.read())
    return [
        ("Processor", f"{model.group(1) if model else platform.machine()}, "
                      f"{len(os.sched_getaffinity(0))} cores"),
        ("Kernel", f"{platform.system()} {platform.release()}"),
    ]
