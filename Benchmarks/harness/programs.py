"""The programs that are measured: what they are called, and how each is started, logs and counts."""

import pathlib
import subprocess

from . import machine
from .failure import Failure

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent


def compiled(source, directory, *libraries):
    """Compiles a C file of this folder and returns the program."""
    source = BENCHMARKS / source
    program = pathlib.Path(directory) / source.stem
    if not program.exists():
        done = subprocess.run(["cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source, *libraries],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failure(f"{source.name} does not compile: {done.stdout.strip()}")
    return program


class Program:
    """A proxy. Its configuration in conf/ is filled with `values` beside ports and folders."""
    title = ""
    needs = ""      # what must be installed; empty for what is built here
    ready = ""      # what it prints when it has all that it serves from, where listening is not enough

    def values(self, setup, directory):
        """What @name@ stands for, beside what is the same for all programs."""
        return {}

    def environment(self, directory):
        return {}

    def command(self, bench, setup, text, values):
        raise NotImplementedError

    def version(self, bench):
        return machine.first_line(self.needs, "-v")


class Relevo(Program):
    title = "Relevo"
    ready = "URLs of the old site from"

    def values(self, setup, directory):
        return {"access_log": directory / "access.log" if setup.log else "off",
                "admin": "--admin 127.0.0.1:@admin_port@" if setup.metrics else ""}

    def command(self, bench, setup, text, values):
        words = [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]
        known = ["--map-file", values["url_map"]] if setup.url_map else []
        return [bench.relevo, *words, *setup.extra, *known]

    def version(self, bench):
        commit = machine.first_line("git", "-C", str(BENCHMARKS), "describe", "--always", "--dirty")
        return f"{machine.first_line(bench.relevo, '--version')} (this tree: {commit})"


class Floor(Program):
    title = "the floor"

    def command(self, bench, setup, text, values):
        return [compiled("floor/floor.c", bench.directory, "-levent_core"), *text.split()]

    def version(self, bench):
        return "the floor: Benchmarks/floor, over libevent"


class Nginx(Program):
    title = "nginx"
    needs = "nginx"

    def values(self, setup, directory):
        on = f"access_log {directory}/access.log combined buffer=64k flush=1s;"
        return {"access_log": on if setup.log else "access_log off;"}

    def command(self, bench, setup, text, values):
        return ["nginx", "-e", "stderr", "-p", bench.directory, "-c", bench.write("proxy.conf", text)]

    def version(self, bench):
        return super().version(bench).replace("nginx version: ", "")


class HAProxy(Program):
    title = "HAProxy"
    needs = "haproxy"

    def values(self, setup, directory):
        return {"log": "log global" if setup.log else "no log"}

    def command(self, bench, setup, text, values):
        return ["haproxy", "-db", "-f", bench.write("haproxy.cfg", text)]

    def version(self, bench):
        return super().version(bench).split(" - ")[0].replace("version ", "")


PROGRAMS = {"relevo": Relevo(), "floor": Floor(), "nginx": Nginx(), "haproxy": HAProxy()}
