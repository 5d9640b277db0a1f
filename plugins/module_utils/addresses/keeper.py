# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that keeps the recorded addresses bound: the hands of this package, used by the module and by two systemd units.

``apply`` binds what is missing, once (at boot). ``watch`` stays and does the same whenever the kernel says that an address, a
route, a rule or a link changed: systemd-networkd removes addresses it does not know when it restarts or reconfigures a link, and
the kernel drops the routes of a link that goes down. Both only ever add; only the module takes away.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
import typing as t

from . import arp, reconcile
from .host import Host, read_host
from .record import Entry, Record, dump, load

RECORD = "/etc/email-engine/addresses.json"
# rtnetlink(7) multicast groups: links, IPv4 addresses, routes and rules.
_GROUPS = 0x1 | 0x10 | 0x40 | 0x80
# A change rarely comes alone; wait until the others are through.
_SETTLE = 0.2


def look() -> Host:
    """The host as the kernel has it now."""
    return read_host(
        _ip("link", "show"),
        _ip("-N", "-4", "address", "show"),
        _ip("-N", "-4", "route", "show", "table", "all"),
        _ip("-N", "-4", "rule", "show"),
    )


def carry_out(commands: t.Sequence[str]) -> str:
    """One ``ip -batch`` for all commands, each tried even when another fails. Returns what failed, empty when nothing did."""
    if not commands:
        return ""
    done = subprocess.run(
        ["ip", "-force", "-batch", "-"],
        input="\n".join(commands) + "\n",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C"},
    )
    return done.stderr.strip() or (f"ip -batch ended with {done.returncode}" if done.returncode else "")


def announce(entries: t.Iterable[Entry], host: Host) -> None:
    """Tells the neighbours that these addresses live here now; their caches may hold the machine that had them before."""
    here: dict[str, list[str]] = {}
    for entry in entries:
        here.setdefault(entry.interface, []).append(entry.ip)
    for name, ips in here.items():
        link = host.links.get(name)
        if link and link.mac and link.arp and link.up:
            with contextlib.suppress(OSError), arp_socket(name) as wire:
                for ip in ips:
                    wire.send(arp.announcement(link.mac, ip))


def arp_socket(interface: str) -> socket.socket:
    """A socket that sends and receives whole ARP frames on *interface*."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(arp.ETHERTYPE))
    wire.bind((interface, arp.ETHERTYPE))
    return wire


def recall(path: str) -> Record:
    """The record at *path*; empty when there is none. Raises ValueError when it is not ours to read."""
    try:
        with open(path, encoding="utf-8") as file:
            return load(file.read())
    except FileNotFoundError:
        return Record()


def remember(path: str, record: Record) -> None:
    """Writes the record so that a reader, or a machine that loses power, meets the old or the new one and nothing else."""
    write_atomically(path, dump(record), 0o644)


def write_atomically(path: str, text: str, mode: int) -> None:
    """Same directory, fsync, rename, fsync of the directory."""
    directory = os.path.dirname(path)
    descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".new", dir=directory)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(path: str) -> t.Iterator[None]:
    """One at a time: the module, the boot and the watch all look, decide and change."""
    with open(f"{path}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def apply(path: str) -> list[str]:
    """Binds what is recorded and missing. Returns what could not be done, one line each."""
    with locked(path):
        record = recall(path)
        host = look()
        absent = [entry for entry in record.wanted if not host.on(entry.ip)]
        commands = reconcile.missing(record.wanted, host)
        failures = carry_out(commands).splitlines()
        if commands:
            _say(sys.stdout, [f"put back: {'; '.join(commands[:5])}{' ...' if commands[5:] else ''} ({len(commands)})"])
            announce(absent, host)
    return failures + [f"{ip}: {why}" for ip, why in reconcile.broken(record.wanted, host).items()]


def watch(path: str) -> t.NoReturn:
    """Applies at once, and again whenever the kernel reports a change."""
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    events.bind((0, _GROUPS))
    events.setblocking(False)
    said: list[str] = []
    while True:
        try:
            failures = apply(path)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            failures = [str(error)]
        if failures != said:
            said = failures
            _say(sys.stderr, failures or ["everything is bound"])
        # A failure may pass without any event that says so: look again after a while.
        select.select([events], [], [], 30 if failures else None)
        time.sleep(_SETTLE)
        _drain(events)


def main(arguments: t.Sequence[str] | None = None) -> int:
    """``apply`` or ``watch``; exit code 1 when something could not be bound."""
    parser = argparse.ArgumentParser(description="Keeps the recorded sending addresses bound.")
    parser.add_argument("command", choices=["apply", "watch"])
    parser.add_argument("--record", default=RECORD, help="default: %(default)s")
    chosen = parser.parse_args(arguments)
    if chosen.command == "watch":
        watch(chosen.record)
    try:
        failures = apply(chosen.record)
    except ValueError as error:
        failures = [f"{chosen.record}: {error}"]
    _say(sys.stderr, failures)
    return 1 if failures else 0


def _say(stream: t.TextIO, lines: t.Iterable[str]) -> None:
    """To the journal, at once."""
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()


def _drain(events: socket.socket) -> None:
    """Forgets the reports that led here: the state itself is read afterwards. An overrun only means that there were many."""
    while True:
        try:
            events.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            continue


def _ip(*arguments: str) -> list[dict]:
    done = subprocess.run(["ip", "-json", *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout or "[]")
