"""The programs under test and the origins behind them: configured from conf/, started, stopped."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

from . import machine

CONF = pathlib.Path(__file__).resolve().parent.parent / "conf"


class Failure(Exception):
    """Something that makes the figures worthless: a program that does not start, a wrong answer."""


def fill(template, values):
    """The text of a file in conf/ with each `@name@` replaced."""
    text = (CONF / template).read_text()
    # nginx has named locations (`@old`), so only names that are closed by a second @ are ours.
    return re.sub(r"@(\w+)@", lambda match: str(values[match.group(1)]), text)


class Server:
    """One running program. Use as a context manager: it is gone, its children too, at the end of the block."""

    def __init__(self, name, command, port, core, directory, ready=""):
        self.name = name
        self.port = port
        self.ready = ready  # what it prints when it has all that it serves from
        self.log = pathlib.Path(directory) / f"{name}.out"
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, {core}))

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        deadline = time.monotonic() + 20
        while True:
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended at its start: {self.last_words()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                if self.ready in self.log.read_text(errors="replace"):
                    return self
                raise OSError("not ready")
            except OSError:
                if time.monotonic() > deadline:
                    self.stop()
                    raise Failure(f"{self.name} does not listen after 20 seconds: {self.last_words()}")
                time.sleep(0.02)

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is not None:
            return
        tree = machine.process_tree(self.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            for pid in tree:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()

    def last_words(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "it printed nothing"


class Bench:
    """The temporary folder, the two cores, the origins' ports, and how each proxy is started before them."""

    def __init__(self, directory, relevo):
        self.directory = pathlib.Path(directory)
        self.relevo = relevo
        self.proxy_core, self.other_core = machine.cores()
        self.new_port = machine.free_port()
        self.old_port = machine.free_port()

    def origins(self):
        """Both sites, in one nginx with one worker."""
        pages = {
            "new/page.html": "a page of the new site; it is 48 bytes long...\n",
            "new/page-30k.html": "a page of the new site, which is thirty kilobytes\n" * 600,
            "old/old-only.html": "a page of the old site; it is 48 bytes long...\n",
        }
        for name, text in pages.items():
            file = self.directory / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text + "\n" * max(0, 48 - len(text)))
        config = self._write("origins.conf", fill("origins.nginx.conf", self._values()))
        return Server("origins", ["nginx", "-e", "stderr", "-p", self.directory, "-c", config], self.new_port,
                      self.other_core, self.directory)

    def proxy(self, setup, access_log=False):
        """Starts the proxy that a `Setup` describes, on a port of its own."""
        port = machine.free_port()
        log = str(self.directory / "access.log") if access_log else "off"
        values = self._values() | {
            "port": port, "access_log": log, "log": "log global" if access_log else "no log"}
        if setup.url_map:
            # A copy: a proxy that learns, or that saves what it knows when it ends, changes its file.
            copy = self.directory / f"{setup.program}.map"
            shutil.copyfile(setup.url_map, copy)
            values["url_map"] = copy
        text = fill(setup.template, values)
        if setup.program == "relevo":
            command = [self.relevo, *uncommented(text).split(), *setup.extra]
            if setup.url_map:
                command += ["--map-file", values["url_map"]]
        elif setup.program == "nginx":
            command = ["nginx", "-e", "stderr", "-p", self.directory, "-c", self._write("proxy.conf", text)]
        else:
            command = ["haproxy", "-db", "-f", self._write("haproxy.cfg", text)]
        ready = "URLs of the old site from" if setup.program == "relevo" and setup.url_map else ""
        return Server(setup.program, command, port, self.proxy_core, self.directory, ready)

    def _values(self):
        return {"dir": self.directory, "new_port": self.new_port, "old_port": self.old_port}

    def _write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return path


def uncommented(text):
    """The lines that are no comments, as one."""
    return " ".join(line for line in text.splitlines() if not line.startswith("#"))
