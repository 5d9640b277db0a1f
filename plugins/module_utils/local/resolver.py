# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stub resolver of the standard library alone (RFC 1035, 5966, 6891): TXT, PTR, A and AAAA, each answered, absent or unknown."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Union

from ..pmta_config.host import Unknown

TYPES = {"A": 1, "PTR": 12, "TXT": 16, "AAAA": 28}
_CNAME = 5
ATTEMPTS = 2
AT_ONCE = 16
# What passes through every network unfragmented.
UDP_SIZE = 1232
MOST_ALIASES = 12
SILENCE = "no name server answered in time"

Answer = Union[list[str], Unknown]


class _Unusable(Exception):
    """An answer that says nothing; the next server may know more."""


class Resolver:
    """Asks the host's name servers, or those given as ``address`` or ``address:port`` (IPv6 in brackets with a port)."""

    def __init__(self, servers: Iterable[str] = (), timeout: float = 3, budget: float = 60):
        """timeout: seconds for one answer. budget: seconds from the first question on, after which nothing is asked any more.

        Raises ValueError for a server that is not an address.
        """
        self.servers = [_endpoint(server) for server in servers] or _of_this_host()
        self.timeout = timeout
        self.budget = budget
        self.ends: float | None = None
        # Whether anybody ever answered, and how often nobody did: without a network not every question has to wait.
        self.heard, self.silences = False, 0

    def ask_all(self, questions: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Answer]:
        """(name, type) -> the records, [] where there are none, or why nobody could tell."""
        wanted = list(dict.fromkeys(questions))
        if self.ends is None:
            self.ends = time.monotonic() + self.budget
        if not wanted:
            return {}
        with ThreadPoolExecutor(min(AT_ONCE, len(wanted))) as pool:
            return dict(zip(wanted, pool.map(lambda question: self._ask(*question), wanted)))

    def _ask(self, name: str, kind: str) -> Answer:
        try:
            question = _wire(name) + struct.pack("!HH", TYPES[kind], 1)
        except ValueError:
            return Unknown("it is no name that can be looked up")
        why = "no name server is known"
        for _attempt in range(ATTEMPTS):
            for server in self.servers:
                left = (self.ends or 0) - time.monotonic()
                if left <= 0:
                    return Unknown("the name servers took too long")
                if not self.heard and self.silences >= AT_ONCE:
                    return Unknown(SILENCE)
                try:
                    found = self._ask_one(server, question, TYPES[kind], min(self.timeout, left))
                    self.heard = True
                    return found
                except _Unusable as error:
                    self.heard = True
                    why = str(error)
                except socket.timeout:
                    self.silences += 1
                    why = SILENCE
                except OSError as error:
                    why = f"no name server could be asked: {error.strerror or error}"
        return Unknown(why)

    @staticmethod
    def _ask_one(server: tuple[str, int], question: bytes, kind: int, timeout: float) -> list[str]:
        number = secrets.randbelow(65536)
        # Recursion desired; an OPT record offers a larger answer by UDP.
        query = struct.pack("!6H", number, 0x0100, 1, 0, 0, 1) + question + struct.pack("!BHHIH", 0, 41, UDP_SIZE, 0, 0)
        ends = time.monotonic() + timeout
        message = _by_udp(server, query, number, question, ends)
        if message[2] & 0x02:  # truncated
            message = _by_tcp(server, query, max(ends - time.monotonic(), 0.1))
            if not _answers(message, number, question):
                raise _Unusable("a name server gave an answer to another question")
        return _read(message, question, kind)


def _of_this_host(path: str = "/etc/resolv.conf") -> list[tuple[str, int]]:
    found = []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                words = line.split()
                if len(words) > 1 and words[0] == "nameserver":
                    found.append((words[1], 53))
    except OSError:
        pass
    # resolv.conf(5): at most three; without any, the one of this machine.
    return found[:3] or [("127.0.0.1", 53)]


def _endpoint(text: str) -> tuple[str, int]:
    address, port = text, 53
    if text.startswith("[") or text.count(":") == 1:
        address, _colon, given = text.rpartition(":")
        if not given.isdigit() or int(given) > 65535:
            raise ValueError(f"{text} is not an address with a port")
        address, port = address.strip("[]"), int(given)
    ipaddress.ip_address(address)
    return address, port


def _connected(server: tuple[str, int], kind: int, timeout: float) -> socket.socket:
    family, _kind, _protocol, _name, address = socket.getaddrinfo(*server, type=kind, flags=socket.AI_NUMERICHOST)[0]
    connection = socket.socket(family, kind)
    try:
        connection.settimeout(timeout)
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def _by_udp(server: tuple[str, int], query: bytes, number: int, question: bytes, ends: float) -> bytes:
    with _connected(server, socket.SOCK_DGRAM, max(ends - time.monotonic(), 0.1)) as connection:
        connection.send(query)
        while True:
            # What does not answer this question is somebody's guess: wait on.
            connection.settimeout(max(ends - time.monotonic(), 0.001))
            message = connection.recv(65535)
            if _answers(message, number, question):
                return message


def _by_tcp(server: tuple[str, int], query: bytes, timeout: float) -> bytes:
    with _connected(server, socket.SOCK_STREAM, timeout) as connection:
        ends = time.monotonic() + timeout
        connection.sendall(struct.pack("!H", len(query)) + query)
        data = b""
        while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
            connection.settimeout(max(ends - time.monotonic(), 0.001))
            part = connection.recv(65535)
            if not part:
                raise _Unusable("a name server closed the connection")
            data += part
        return data[2 : 2 + int.from_bytes(data[:2], "big")]


def _answers(message: bytes, number: int, question: bytes) -> bool:
    if len(message) < 12:
        return False
    found, flags, questions = struct.unpack("!3H", message[:6])
    # A server that cannot read the question need not repeat it.
    echoed = message[12 : 12 + len(question)].lower() == question.lower() or (questions == 0 and flags & 0x0F)
    return found == number and bool(flags & 0x8000) and bool(echoed)


_CODES = {1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED"}


def _read(message: bytes, question: bytes, kind: int) -> list[str]:
    """The records of one type at the end of the aliases. Raises _Unusable."""
    _number, flags, _questions, answers = struct.unpack("!4H", message[:8])
    code = flags & 0x0F
    if code == 3:
        return []
    if code:
        raise _Unusable(f"the name server answered {_CODES.get(code, f'code {code}')}")
    try:
        records = list(_records(message, 12 + len(question), answers))
        owner, _at = _name(question, 0)
        aliases = {name: _name(message, start)[0] for name, type_, start, _end in records if type_ == _CNAME}
        for _step in range(MOST_ALIASES):
            owner = aliases.get(owner, owner)
        found = [
            _text(message, type_, start, end) for name, type_, start, end in records if (name, type_) == (owner, kind)
        ]
    except (IndexError, struct.error, ValueError):
        raise _Unusable("the name server gave an answer that cannot be read") from None
    if not found and not flags & 0x0480:  # neither authoritative nor able to ask others
        raise _Unusable("the name server does not know, and asks nobody else")
    return found


def _records(message: bytes, at: int, count: int) -> Iterable[tuple[str, int, int, int]]:
    """Owner, type, and where the data begins and ends, of each record of class IN."""
    for _record in range(count):
        owner, at = _name(message, at)
        type_, class_, _ttl, length = struct.unpack("!HHIH", message[at : at + 10])
        at += 10
        if at + length > len(message):
            raise IndexError
        if class_ == 1:
            yield owner, type_, at, at + length
        at += length


def _text(message: bytes, kind: int, start: int, end: int) -> str:
    if kind == TYPES["PTR"]:
        return _name(message, start)[0]
    data = message[start:end]
    if kind != TYPES["TXT"]:
        return str(ipaddress.ip_address(data))
    parts, at = [], 0
    while at < len(data):
        length = data[at]
        if at + 1 + length > len(data):
            raise IndexError
        parts.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    # Strings of one record are one text (RFC 6376 3.6.2.2).
    return b"".join(parts).decode("utf-8", "replace")


def _name(message: bytes, at: int) -> tuple[str, int]:
    """A name, lower case, and where the next field begins."""
    labels: list[str] = []
    after = None
    for _label in range(128):
        length = message[at]
        if length >= 0xC0:
            after = at + 2 if after is None else after
            at = int.from_bytes(message[at : at + 2], "big") & 0x3FFF
        elif length == 0:
            return ".".join(labels).lower(), at + 1 if after is None else after
        else:
            labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length
    raise IndexError


def _wire(name: str) -> bytes:
    """Raises ValueError for what is no name."""
    labels = []
    for label in name.rstrip(".").split("."):
        data = label.encode("ascii") if label.isascii() else label.encode("idna")
        if not 1 <= len(data) <= 63:
            raise ValueError(name)
        labels.append(bytes([len(data)]) + data)
    wire = b"".join(labels) + b"\0"
    if len(wire) > 255:
        raise ValueError(name)
    return wire
