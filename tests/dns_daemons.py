# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS daemons of tests and benchmarks, as processes on 127.0.0.x: rbldnsd (block lists), unbound (resolver), dnsdist (delay and
faults in front of either), and Knot's whoami, which answers with the address that asks. The Debian packages are rbldnsd,
unbound, dnsdist and knot. Each is used in a ``with``; it answers when the block begins and is gone when it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query

# What a resolver answers by itself unless told otherwise (RFC 6761, 6303).
RESERVED = ("test.", "invalid.", "127.in-addr.arpa.", "10.in-addr.arpa.", "2.0.192.in-addr.arpa.")
TEST_NETS = ("18.198.in-addr.arpa.", "19.198.in-addr.arpa.", "51.198.in-addr.arpa.", "113.0.203.in-addr.arpa.")


def free_port(address: str) -> int:
    """A port that nobody uses there, neither over TCP nor over UDP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
            stream.bind((address, 0))
            port = stream.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
                try:
                    datagram.bind((address, port))
                except OSError:
                    continue
                return port


class Daemon:
    """A server in a directory of its own. place: made when missing. port: a free one when not given."""

    # A name that is asked until there is some answer.
    ready = "ready.invalid"

    def __init__(self, place: Path, address: str, port: int | None = None):
        self.place, self.address, self.port = place, address, port or free_port(address)
        self.process: subprocess.Popen | None = None

    @property
    def at(self) -> str:
        """As unbound, Knot and the modules write it."""
        return f"{self.address}@{self.port}"

    def command(self) -> Sequence[str]:
        """Writes what the server needs into the place; the command that runs it in the foreground."""
        raise NotImplementedError

    def __enter__(self):
        self.place.mkdir(parents=True, exist_ok=True)
        # rbldnsd and others give up root and read their files afterwards.
        self.place.chmod(0o755)
        self.start()
        return self

    def start(self) -> None:
        """Start it, and wait until it answers. Also after stop()."""
        command = self.command()
        with (self.place / "output").open("ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while not self.answers():
            dead = self.process.poll() is not None
            assert not dead and time.monotonic() < deadline, (
                f"{command_name(self.process)} does not serve {self.at}:\n{(self.place / 'output').read_text()[-2000:]}"
            )
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether it gives an answer, whatever that is."""
        try:
            dns.query.udp(dns.message.make_query(self.ready, "A"), self.address, 0.5, self.port)
            return True
        except (OSError, dns.exception.DNSException):
            return False

    def stop(self) -> None:
        """Stop it: from now on nobody listens there."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=10)

    def __exit__(self, *_error) -> None:
        self.stop()


def command_name(process: subprocess.Popen) -> str:
    return Path(process.args[0]).name


class Rbldnsd(Daemon):
    """Block lists. zones: ``{zone: {dataset: lines}}``, a dataset being ``ip4set`` (``1.2.3.4 :127.0.0.4:text``, ``!127.0.0.1``;
    the address again for another code), ``ip4trie``, ``ip6trie`` or ``dnset``; a first line ``:127.0.0.2:text`` is the default answer.
    Each zone gets NS and SOA records."""

    def __init__(self, place: Path, address: str, zones: Mapping[str, Mapping[str, str]], port: int | None = None):
        super().__init__(place, address, port)
        self.zones = {zone: dict(datasets) for zone, datasets in zones.items()}
        self.ready = next(iter(self.zones))

    def command(self) -> Sequence[str]:
        words = []
        for zone, datasets in self.zones.items():
            for dataset, text in datasets.items():
                words.append(f"{zone}:{dataset}:{self._file(zone, dataset, text)}")
        # Not as root, which it refuses; files are looked at every second. -e takes networks with host bits.
        account = ["-u", "rbldns"] if os.geteuid() == 0 else []
        where = ["-w", str(self.place), "-b", f"{self.address}/{self.port}"]
        return ["/usr/sbin/rbldnsd", "-n", "-e", "-c", "1", "-t", "5", *account, *where, *words]

    def _file(self, zone: str, dataset: str, text: str) -> str:
        name = f"{zone}.{dataset}"
        whole = f"$SOA 60 ns.{zone} hostmaster.{zone} 0 600 300 86400 5\n$NS 60 ns.{zone}\n{text}"
        new = self.place / f"{name}.new"
        new.write_text(whole if whole.endswith("\n") else whole + "\n")
        new.replace(self.place / name)
        return name

    def change(self, zone: str, dataset: str, text: str) -> None:
        """Give a dataset other lines; they count when this returns."""
        self.zones[zone][dataset] = text
        # It compares modification times to the second.
        path = self.place / self._file(zone, dataset, text)
        later = int(time.time()) + self._later()
        os.utime(path, (later, later))
        self.process.send_signal(signal.SIGHUP)
        # The reload is done before the next query is taken.
        time.sleep(0.05)
        assert self.answers(), f"{self.at} does not answer after a reload"

    def _later(self) -> int:
        self.changes = getattr(self, "changes", 0) + 1
        return self.changes


class Unbound(Daemon):
    """A resolver. stubs: ``{zone: "address@port"}``, the zone's own servers; "." for a root of one's own. forwards: the same, to other
    resolvers. root_hints: addresses of root servers on port 53. outgoing: the address it asks from (its own when not given).
    Nothing is validated and, with ``cache`` off, nothing kept. settings: more lines of ``server:``."""

    def __init__(
        self,
        place: Path,
        address: str,
        stubs: Mapping[str, str] | None = None,
        *,
        forwards: Mapping[str, str] | None = None,
        root_hints: Sequence[str] = (),
        outgoing: str | None = None,
        cache: bool = False,
        settings: Sequence[str] = (),
        port: int | None = None,
    ):
        super().__init__(place, address, port)
        self.stubs, self.forwards, self.root_hints = dict(stubs or {}), dict(forwards or {}), root_hints
        self.outgoing, self.cache, self.settings = outgoing or address, cache, settings
        self.ready = "id.server"

    def command(self) -> Sequence[str]:
        lines = [
            f"interface: {self.at}",
            f"outgoing-interface: {self.outgoing}",
            "do-ip6: no",
            "access-control: 127.0.0.0/8 allow",
            "do-not-query-localhost: no",
            'chroot: ""',
            'username: ""',
            f'directory: "{self.place}"',
            f'pidfile: "{self.place}/unbound.pid"',
            "use-syslog: no",
            "verbosity: 1",
            'module-config: "iterator"',
            # Stands for every resolver behind which lists are asked at once.
            "outgoing-range: 4096",
            "num-queries-per-thread: 4096",
            "jostle-timeout: 1000",
            "so-rcvbuf: 0",
            *(f'local-zone: "{name}" nodefault' for name in (*RESERVED, *TEST_NETS)),
        ]
        if not self.cache:
            lines += ["cache-max-ttl: 0", "cache-max-negative-ttl: 0", "infra-host-ttl: 1"]
        if self.root_hints:
            hints = "".join(f". 3600 NS ns{n}.root.\nns{n}.root. 3600 A {a}\n" for n, a in enumerate(self.root_hints))
            (self.place / "root.hints").write_text(hints)
            lines.append('root-hints: "root.hints"')
        text = "server:\n" + "".join(f"  {line}\n" for line in (*lines, *self.settings))
        for kind, zones in (("stub", self.stubs), ("forward", self.forwards)):
            for zone, server in zones.items():
                text += f'{kind}-zone:\n  name: "{zone}"\n  {kind}-addr: {server}\n'
        text += "remote-control:\n  control-enable: no\n"
        (self.place / "unbound.conf").write_text(text)
        return ["/usr/sbin/unbound", "-d", "-c", str(self.place / "unbound.conf")]


# lie: Lua of dnsdist's action.
LIES = {
    "servfail": "RCodeAction(DNSRCode.SERVFAIL)",
    "refused": "RCodeAction(DNSRCode.REFUSED)",
    "nxdomain": "RCodeAction(DNSRCode.NXDOMAIN)",
    "silent": "DropAction()",
    "truncated": "TCAction()",
}


class Dnsdist(Daemon):
    """In front of another server (``"address:port"`` or ``"address@port"``): answers come ``delay`` milliseconds late (over UDP), and it lies
    about what lies under some names. lies: ``{name: lie}``, a lie being "servfail", "refused", "nxdomain", "silent" (UDP and TCP),
    "udp_lost", "truncated" (over UDP; the truth over TCP) or a list of addresses; the first name that fits counts, "." is all."""

    def __init__(
        self,
        place: Path,
        address: str,
        upstream: str,
        *,
        delay: int = 0,
        lies: Mapping[str, str | Sequence[str]] | None = None,
        port: int | None = None,
    ):
        super().__init__(place, address, port)
        self.upstream, self.delay, self.lies = upstream.replace("@", ":"), delay, dict(lies or {})

    def answers(self) -> bool:
        """A lie about everything may be silence: then only that the port is taken can be seen."""
        if self.lies.get(".") != "silent":
            return super().answers()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((self.address, self.port))
            except OSError:
                return True
            return False

    def command(self) -> Sequence[str]:
        lines = [
            'setSecurityPollSuffix("")',
            f'setLocal("{self.address}:{self.port}", {{reusePort=false}})',
            'setACL({"127.0.0.0/8"})',
            "setVerboseHealthChecks(false)",
            "setMaxUDPOutstanding(65535)",
            "setMaxTCPClientThreads(20)",
            # One socket for each of many upstream ports, or answers get lost under load.
            f'newServer({{address="{self.upstream}", sockets=8, maxInFlight=1000}}):setUp()',
        ]
        lines += [f"addAction({self._rule(name, lie)}, {self._action(lie)})" for name, lie in self.lies.items()]
        if self.delay:
            lines.append(f"addAction(AllRule(), DelayAction({self.delay}))")
        (self.place / "dnsdist.conf").write_text("\n".join(lines) + "\n")
        # Without a terminal it must not read commands.
        return ["/usr/bin/dnsdist", "--supervised", "--disable-syslog", "-C", str(self.place / "dnsdist.conf")]

    @staticmethod
    def _rule(name: str, lie) -> str:
        rule = "AllRule()" if name == "." else f'makeRule("{name}")'
        return f"AndRule{{{rule}, TCPRule(false)}}" if lie in ("truncated", "udp_lost") else rule

    @staticmethod
    def _action(lie) -> str:
        if lie == "udp_lost":
            return LIES["silent"]
        if isinstance(lie, str):
            return LIES[lie]
        return "SpoofAction({" + ", ".join(f'"{address}"' for address in lie) + "})"


class Whoami(Daemon):
    """Knot's mod-whoami: the zone's own name is answered with the address that asks."""

    def __init__(self, place: Path, address: str, zone: str = "whoami.test", port: int | None = None):
        super().__init__(place, address, port)
        self.zone = self.ready = zone

    def command(self) -> Sequence[str]:
        (self.place / f"{self.zone}.zone").write_text(
            f"{self.zone}. 1 SOA ns.{self.zone}. hostmaster.{self.zone}. 1 60 60 60 1\n{self.zone}. 1 NS ns.{self.zone}.\n"
            f"ns.{self.zone}. 1 A {self.address}\n"
        )
        (self.place / "knot.conf").write_text(
            f"server:\n  rundir: {self.place}\n  listen: {self.at}\n"
            f"log:\n  - target: stderr\n    any: warning\ndatabase:\n  storage: {self.place}\n"
            f"template:\n  - id: default\n    storage: {self.place}\n    zonefile-sync: -1\n    journal-content: none\n"
            f"zone:\n  - domain: {self.zone}.\n    module: mod-whoami\n"
        )
        return ["knotd", "-c", str(self.place / "knot.conf")]
