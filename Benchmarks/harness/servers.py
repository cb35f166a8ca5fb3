"""A running program under test, and the origins behind it."""

import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time

from . import machine
from .failure import Failure


class Server:
    """One running program. Use as a context manager: it is gone, its children too, at the end of the block.

    `ready` is what it prints when it has all that it serves from; without `wait` the block begins before it listens. A `folder`
    that is its own goes with it.
    """

    def __init__(self, name, command, port, cores, folder, ready="", environment=None, wait=True, own_folder=False):
        self.name = name
        self.port, self.tls = port, False
        self.ready, self.wait, self.patience_s = ready, wait, 30
        self.folder, self.own_folder = pathlib.Path(folder), own_folder
        self.log = self.folder / f"{name}.out"
        with open(self.log, "wb") as output:
            self.began = time.monotonic()
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, **(environment or {})}, start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cores))

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        if not self.wait:
            return self
        deadline = time.monotonic() + self.patience_s
        while True:
            if self.process.poll() is not None:
                raise Failure(f"{self.name} ended at its start: {self.last_words()}")
            if self.answers() and self.ready in self.log.read_text(errors="replace"):
                return self
            if time.monotonic() > deadline:
                self.stop()
                raise Failure(f"{self.name} does not answer after {self.patience_s} seconds: {self.last_words()}")
            time.sleep(0.02)

    def connected(self, timeout_s):
        """A connection to it, in TLS if that is what it speaks."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)
        if not self.tls:
            return client
        # The run has made the certificate.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(client)

    def answers(self):
        """Whether it answers at all: that it listens does not say that it serves."""
        try:
            with self.connected(5) as client:
                client.sendall(b"GET /page.html HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return client.recv(4096).startswith(b"HTTP/1.1 ")
        except OSError:
            return False

    def __exit__(self, *_):
        self.stop()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        """Ends it, its children too."""
        if self.process.poll() is not None:
            return
        tree = machine.process_tree(self.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            pass
        # What has not followed its parent, a manager's worker for one, holds the port and the core.
        for pid in tree:
            try:
                if os.getsid(pid) == self.pid:  # and not somebody else's, by a number that was free again
                    os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def check_alive(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended while it was measured: {self.last_words()}")

    def last_words(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "it printed nothing"
