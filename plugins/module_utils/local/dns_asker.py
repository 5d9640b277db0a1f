# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thousands of short questions to one resolver over a few sockets: what asking blocklists needs. Needs dnspython."""

from __future__ import annotations

import asyncio
import random
import secrets
import struct
from collections.abc import Sequence

from .. import dns_trouble
from ..dns_verdict.answers import NXDOMAIN, UNKNOWN, Answer
from .name_servers import DNSPYTHON_IMPORT_ERROR, UDP_SIZE, read

if not DNSPYTHON_IMPORT_ERROR:
    import dns.asyncquery
    import dns.exception
    import dns.message

TYPES = {"A": 1, "TXT": 16}
# Each has a port of its own, chosen by the kernel; together with the number of the question a stranger has to guess both.
SOCKETS = 16
RESEND = 0.4  # of the time-out: a lost packet is sent once more, which a resolver that still works at it does not mind

_QR, _TC, _RCODE, _RESOLVES = 0x8000, 0x0200, 0x000F, 0x0480
_NXDOMAIN = 3


class Asker:
    """A resolver, asked over UDP, and over TCP where an answer is cut off. asked: packets sent."""

    def __init__(self, places: Sequence[tuple[str, int]], timeout: float):
        self.places, self.timeout, self.asked = list(places), timeout, 0
        self._lines: dict[tuple[str, int], asyncio.Future] = {}

    async def ask(self, name: str, rtype: str = "A") -> Answer:
        """The answer of the first place that has one; UNKNOWN, never an exception, when none does. A refusal is final."""
        try:
            question = _question(name, rtype)
        except ValueError:
            return Answer(UNKNOWN, why=dns_trouble.BROKEN, detail="no name that could be asked for")
        answer = Answer(UNKNOWN, why=dns_trouble.UNREACHABLE, detail="there is no resolver")
        for place in self.places:
            answer = await self._ask_one(place, question, name, rtype)
            if not answer.unknown or answer.why == dns_trouble.REFUSED:
                break
        return answer

    async def _ask_one(self, place: tuple[str, int], question: bytes, name: str, rtype: str) -> Answer:
        try:
            line = await self._line(place)
            data = await self._exchange(line, question)
        except (asyncio.TimeoutError, TimeoutError):
            return Answer(UNKNOWN, why=dns_trouble.TIMEOUT, detail="no answer in time")
        except OSError as error:
            detail = f"the resolver cannot be reached ({error.strerror or type(error).__name__})"
            return Answer(UNKNOWN, why=dns_trouble.UNREACHABLE, detail=detail)
        flags = struct.unpack_from("!H", data, 2)[0]
        if flags & _TC:
            return await self._over_tcp(place, name, rtype)
        if flags & _RCODE == _NXDOMAIN and flags & _RESOLVES and data[6:8] == b"\0\0":
            return Answer(NXDOMAIN)  # by far the most frequent one; nothing else in it matters
        try:
            return read(dns.message.from_wire(data), name, rtype, False)
        except (dns.exception.DNSException, ValueError) as error:
            return Answer(UNKNOWN, why=dns_trouble.BROKEN, detail=f"an unreadable answer ({type(error).__name__})")

    async def _exchange(self, line: _Line, question: bytes) -> bytes:
        number, waiting = line.expect(question)
        # Recursion desired; an OPT record offers a larger answer.
        packet = (
            struct.pack("!6H", number, 0x0100, 1, 0, 0, 1) + question + struct.pack("!BHHIH", 0, 41, UDP_SIZE, 0, 0)
        )
        self.asked += 1
        line.transport.sendto(packet)
        loop, timers = asyncio.get_running_loop(), []

        def give_up() -> None:
            if not waiting.done():
                waiting.set_exception(asyncio.TimeoutError())

        def resend() -> None:
            self.asked += 1
            line.transport.sendto(packet)
            timers.append(loop.call_later(self.timeout * (1 - RESEND), give_up))

        timers.append(loop.call_later(self.timeout * RESEND, resend))
        try:
            return await waiting
        finally:
            for timer in timers:
                timer.cancel()
            line.forget(number)

    async def _over_tcp(self, place: tuple[str, int], name: str, rtype: str) -> Answer:
        query = dns.message.make_query(name + ".", rtype, use_edns=0, payload=UDP_SIZE)
        self.asked += 1
        try:
            return read(await dns.asyncquery.tcp(query, place[0], self.timeout, place[1]), name, rtype, False)
        except (dns.exception.Timeout, asyncio.TimeoutError):
            return Answer(UNKNOWN, why=dns_trouble.TIMEOUT, detail="an answer cut off, and none over TCP in time")
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or "it closes the connection"
            return Answer(
                UNKNOWN, why=dns_trouble.UNREACHABLE, detail=f"an answer cut off, and none over TCP ({reason})"
            )
        except (dns.exception.DNSException, ValueError) as error:
            return Answer(UNKNOWN, why=dns_trouble.BROKEN, detail=f"an unreadable answer ({type(error).__name__})")

    async def _line(self, place: tuple[str, int]) -> _Line:
        if place not in self._lines:
            self._lines[place] = asyncio.ensure_future(self._open(place))
        return random.choice(await self._lines[place])

    @staticmethod
    async def _open(place: tuple[str, int]) -> list[_Line]:
        loop = asyncio.get_running_loop()
        return [(await loop.create_datagram_endpoint(_Line, remote_addr=place))[1] for _socket in range(SOCKETS)]

    def close(self) -> None:
        for lines in self._lines.values():
            if lines.done() and not lines.exception():
                for line in lines.result():
                    line.transport.close()
        self._lines.clear()


class _Line(asyncio.DatagramProtocol):
    """One socket, and who waits for what on it."""

    def __init__(self) -> None:
        self.waiting: dict[int, tuple[bytes, asyncio.Future]] = {}

    def connection_made(self, transport) -> None:
        self.transport = transport

    def expect(self, question: bytes) -> tuple[int, asyncio.Future]:
        number = secrets.randbelow(65536)
        while number in self.waiting:
            number = secrets.randbelow(65536)
        future = asyncio.get_running_loop().create_future()
        self.waiting[number] = question, future
        return number, future

    def forget(self, number: int) -> None:
        self.waiting.pop(number, None)

    def datagram_received(self, data: bytes, _address) -> None:
        if len(data) < 12:
            return
        number, flags, questions = struct.unpack_from("!3H", data)
        question, future = self.waiting.get(number, (b"", None))
        # What does not answer this very question is somebody's guess. Who cannot read it need not repeat it.
        echoed = data[12 : 12 + len(question)].lower() == question or (questions == 0 and flags & _RCODE)
        if future is not None and not future.done() and flags & _QR and echoed:
            future.set_result(data)

    def error_received(self, exc: OSError) -> None:
        """Nobody listens there, says the kernel: none of the questions will be answered."""
        for _asked, future in self.waiting.values():
            if not future.done():
                future.set_exception(exc)

    def connection_lost(self, _error) -> None:
        self.error_received(OSError("the socket is closed"))


def _question(name: str, rtype: str) -> bytes:
    """The question section (RFC 1035 4.1.2). Raises ValueError."""
    wire = bytearray()
    for label in name.lower().split("."):
        data = label.encode("ascii")
        if not 1 <= len(data) <= 63:
            raise ValueError(name)
        wire.append(len(data))
        wire += data
    if len(wire) > 254:
        raise ValueError(name)
    return bytes(wire) + b"\0" + struct.pack("!HH", TYPES[rtype], 1)
