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


def written(path, text):
    path.write_text(text)
    return path


class Program:
    """A proxy. Its configuration in conf/ is filled with `values` beside ports and folders.

    What it is told to write goes to a folder of its own: several run at once.
    """
    title = ""
    needs = ""      # what must be installed; empty for what is built here
    ready = ""      # what it prints when it has all that it serves from, where listening is not enough

    def values(self, setup, folder):
        """What @name@ stands for, beside what is the same for all programs."""
        return {}

    def environment(self, setup, folder):
        return {}

    def command(self, bench, setup, text, values):
        """Words to start it with; `text` is its configuration, `values` has the ports and the folder, as "dir"."""
        raise NotImplementedError

    def version(self, bench):
        return machine.first_line(self.needs, "-v")


class Relevo(Program):
    title = "Relevo"
    ready = "URLs of the old site from"

    def values(self, setup, folder):
        files = "--tls-cert @pair@" + ("" if setup.http2 else " --no-http2")
        return {"listen": "--tls-listen" if setup.tls else "--listen",
                "tls_files": files if setup.tls else "",
                "access_log": folder / "access.log" if setup.log else "off",
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

    def values(self, setup, folder):
        on = f"access_log {folder}/access.log combined buffer=64k flush=1s;"
        files = "ssl_certificate @pair@; ssl_certificate_key @pair@; ssl_protocols TLSv1.2 TLSv1.3;"
        return {"access_log": on if setup.log else "access_log off;", "ssl": ("ssl http2" if setup.http2 else "ssl") if setup.tls else "",
                "ssl_files": files if setup.tls else ""}

    def command(self, bench, setup, text, values):
        return ["nginx", "-e", "stderr", "-p", values["dir"], "-c", written(values["dir"] / "nginx.conf", text)]

    def version(self, bench):
        return super().version(bench).replace("nginx version: ", "")


class HAProxy(Program):
    title = "HAProxy"
    needs = "haproxy"

    def values(self, setup, folder):
        return {"log": "log global" if setup.log else "no log",
                "ssl": f"ssl crt @pair@ ssl-min-ver TLSv1.2{' alpn h2,http/1.1' if setup.http2 else ''}" if setup.tls else ""}

    def command(self, bench, setup, text, values):
        return ["haproxy", "-db", "-f", written(values["dir"] / "haproxy.cfg", text)]

    def version(self, bench):
        return super().version(bench).split(" - ")[0].replace("version ", "")


class Varnish(Program):
    title = "Varnish"
    needs = "varnishd"

    def command(self, bench, setup, text, values):
        threads = ("thread_pools=1", "thread_pool_min=200", "thread_pool_max=2000", "http_max_hdr=64")
        return ["varnishd", "-F", "-j", "none", "-a", f"127.0.0.1:{values['port']}", "-n", values["dir"] / "varnish",
                "-f", written(values["dir"] / "proxy.vcl", text), "-s", "default,64m",
                *(word for value in threads for word in ("-p", value))]

    def version(self, bench):
        return machine.first_line("varnishd", "-V").replace("varnishd (", "").split(" revision")[0]


class Caddy(Program):
    title = "Caddy"
    needs = "caddy"

    def values(self, setup, folder):
        # Its admin endpoint is what shows metrics; taking them is a server's option.
        return {"caddy_admin": "localhost:@admin_port@" if setup.metrics else "off",
                "caddy_metrics": "servers {\nmetrics\n}" if setup.metrics else "",
                "caddy_log": f"log {{\noutput file {folder}/access.log\n}}" if setup.log else ""}

    def environment(self, setup, folder):
        return {"GOMAXPROCS": str(setup.workers), "HOME": str(folder), "XDG_CONFIG_HOME": str(folder),
                "XDG_DATA_HOME": str(folder)}

    def command(self, bench, setup, text, values):
        return ["caddy", "run", "--adapter", "caddyfile", "--config", written(values["dir"] / "Caddyfile", text)]

    def version(self, bench):
        return "Caddy " + machine.first_line("caddy", "version")


class TrafficServer(Program):
    """Its template is the file of its mappings; what else it reads is written beside."""
    title = "Traffic Server"
    needs = "traffic_server"

    def values(self, setup, folder):
        return {"logging": 3 if setup.log else 0}

    def environment(self, setup, folder):
        return {"TS_RUNROOT": str(folder / "trafficserver")}

    def command(self, bench, setup, text, values):
        root = values["dir"] / "trafficserver"
        for folder in ("etc", "log", "run", "cache"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        layout = {"prefix": "/usr", "exec_prefix": "/usr", "bindir": "/usr/bin", "sbindir": "/usr/bin", "libdir": "/usr/lib",
                  "libexecdir": "/usr/lib/trafficserver/modules", "datadir": "/usr/share", "includedir": "/usr/include",
                  "sysconfdir": root / "etc", "localstatedir": root / "run", "runtimedir": root / "run",
                  "logdir": root / "log", "cachedir": root / "cache"}
        files = {
            "runroot.yaml": "".join(f"{name}: {path}\n" for name, path in layout.items()),
            "etc/remap.config": text,
            "etc/records.config": bench.filled("trafficserver.records", values),
            "etc/logging.yaml": bench.filled("trafficserver.logging", values),
            "etc/storage.config": f"{root / 'cache'} 16M\n",
            "etc/plugin.config": "",
            "etc/ip_allow.yaml": "ip_allow:\n  - {apply: in, ip_addrs: 127.0.0.0/8, action: allow}\n",
        }
        for name, content in files.items():
            written(root / name, content)
        return ["traffic_server"]

    def version(self, bench):
        return "Apache " + " ".join(machine.first_line("traffic_server", "-V").split()[:3])


PROGRAMS = {"relevo": Relevo(), "floor": Floor(), "nginx": Nginx(), "haproxy": HAProxy(), "varnish": Varnish(),
            "caddy": Caddy(), "trafficserver": TrafficServer()}
