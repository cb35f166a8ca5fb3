"""Where a run takes place: its folder, the two cores, the origins, and how each proxy is started before them."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from . import machine
from .load import Request
from .programs import PROGRAMS, written
from .servers import Server

CONF = pathlib.Path(__file__).resolve().parent.parent / "conf"
PAGES = {
    "new/page.html": b"a page of the new site; it is 48 bytes long...\n\n",
    "new/page-30k.html": b"a page of the new site, which is thirty kilobytes\n" * 600,
    "new/download": (b"a page of the new site, which is ten megabytes long\n" * 200_000)[:10_000_000],
    "old/old-only.html": b"a page of the old site; it is 48 bytes long...\n\n",
}


@dataclasses.dataclass
class Setup:
    """How a program is configured for a row."""
    program: str                    # a key of PROGRAMS
    template: str                   # in conf/
    label: str = ""                 # told apart from the same program's first setup by this
    extra: tuple = ()               # more flags of Relevo's
    url_map: pathlib.Path = None    # the file behind @url_map@ and Relevo's --map-file
    log: bool = True                # with an access log
    metrics: bool = True            # with metrics
    workers: int = 1
    request: Request = None         # another than the row's
    tls: bool = False               # clients speak TLS
    http2: bool = False             # and may choose HTTP/2 in it

    @property
    def name(self):
        return PROGRAMS[self.program].title + (f", {self.label}" if self.label else "")


def fill(text, values):
    """A text with each `@name@` replaced."""
    # nginx has named locations (`@old`), so only names that are closed by a second @ are ours.
    return re.sub(r"@(\w+)@", lambda match: str(values[match.group(1)]), text)


class Bench:
    """The place of one run."""

    def __init__(self, directory, relevo):
        self.directory = pathlib.Path(directory)
        self.relevo = relevo
        self.proxy_core, self.other_core = machine.cores()
        self.new_port = machine.free_port()
        self.old_port = machine.free_port()
        self.sink_port = machine.free_port()

    def origins(self):
        """Both sites, in one nginx with one worker."""
        for name, page in PAGES.items():
            file = self.directory / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(page)
        config = written(self.directory / "origins.conf", self.filled("origins.nginx.conf", self._values()))
        return Server("origins", ["nginx", "-e", "stderr", "-p", self.directory, "-c", config], self.new_port,
                      {self.other_core}, self.directory)

    def proxy(self, setup, before=(), cores=None, wait=True):
        """Starts the proxy that a `Setup` describes, on a port of its own, by the words in `before` if there are any."""
        program = PROGRAMS[setup.program]
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{setup.program}-", dir=self.directory))
        os.chmod(folder, 0o755)
        values = self._values() | {"dir": folder, "port": machine.free_port(), "admin_port": machine.free_port(),
                                   "workers": setup.workers}
        values |= program.values(setup, folder)
        if setup.tls:
            self.certificate()
        if setup.url_map:
            # A copy: a proxy that learns, or that saves what it knows when it ends, changes its file.
            values["url_map"] = folder / "urls.map"
            shutil.copyfile(setup.url_map, values["url_map"])
        # Twice: what a program puts in may name a port.
        text = fill(self.filled(setup.template, values), values)
        server = Server(setup.program, [*before, *program.command(self, setup, text, values)], values["port"],
                        cores or {self.proxy_core}, folder, program.ready if setup.url_map else "",
                        program.environment(setup, folder), wait, own_folder=True)
        server.admin_port, server.tls = values["admin_port"], setup.tls
        return server

    def certificate(self):
        """The pair that every proxy shows: ECDSA, P-256."""
        pair, key = self.directory / "pair.pem", self.directory / "pair.key"
        if pair.exists():
            return
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-days", "2", "-keyout", key, "-out", pair], check=True,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # HAProxy looks for the key in the certificate's file, or beside it.
        pair.write_bytes(pair.read_bytes() + key.read_bytes())

    def filled(self, template, values):
        """The text of a file in conf/."""
        return fill((CONF / template).read_text(), values)

    def _values(self):
        return {"pair": self.directory / "pair.pem", "dir": self.directory, "new_port": self.new_port, "old_port": self.old_port, "sink_port": self.sink_port}
