# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers of the tests' own on 127.0.0.x: Knot for what is right, and a small one that can do everything wrong."""

from __future__ import annotations

import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset


def free_port(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


class Knot:
    """One knotd with the zones it is given as text; None is a zone that it is to serve and cannot load (SERVFAIL). signed: zones that
    it signs, with keys of its own."""

    def __init__(self, place: Path, address: str, port: int, zones: dict[str, str | None], signed: Sequence[str] = ()):
        self.place, self.address, self.port, self.zones, self.signed = place, address, port, zones, signed

    def __enter__(self) -> Knot:
        (self.place / "zones").mkdir(parents=True)
        conf = [
            f"server:\n  rundir: {self.place}\n  listen: {self.address}@{self.port}\n  tcp-max-clients: 500\n",
            f"log:\n  - target: {self.place}/log\n    any: info\ndatabase:\n  storage: {self.place}\n",
            f"template:\n  - id: default\n    storage: {self.place}/zones\n    zonefile-sync: -1\n    journal-content: none\n",
            "zone:\n",
        ]
        for zone, text in self.zones.items():
            conf.append(f"  - domain: {zone}.\n")
            if zone in self.signed:
                conf.append("    dnssec-signing: on\n")
            if text is not None:
                (self.place / "zones" / f"{zone}.zone").write_text(text)
        (self.place / "knot.conf").write_text("".join(conf))
        self.process = subprocess.Popen(
            ["knotd", "-c", str(self.place / "knot.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        for zone in [zone for zone, text in self.zones.items() if text is not None]:
            while not self._serves(zone):
                assert time.monotonic() < deadline, f"{self.address} does not serve {zone}: see {self.place}/log"
                time.sleep(0.05)

    def _serves(self, zone: str) -> bool:
        try:
            return bool(dns.query.udp(dns.message.make_query(zone, "SOA"), self.address, 1, self.port).answer)
        except dns.exception.Timeout:
            return False

    def __exit__(self, *_error) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


class Odd:
    """A server that asks ``upstream`` and follows aliases as a resolver does, but lies as it is told.

    lies: {(name, type or "*"): "servfail" | "silent" | "udp_lost" | "truncated" | "garbage" | "refused" | "nxdomain" | [zone-file lines]}; the
    longest name that the question lies under counts. authoritative: whether it says that it is."""

    def __init__(self, address: str, port: int, upstream: tuple[str, int], lies: dict, authoritative: bool = False):
        self.upstream, self.lies, self.authoritative = upstream, lies, authoritative
        self.asked: list[tuple[str, str, str]] = []
        odd = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, link = self.request
                reply = odd.reply(data, "udp")
                if reply is not None:
                    link.sendto(reply, self.client_address)

        class Tcp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                size = int.from_bytes(self.request.recv(2), "big")
                reply = odd.reply(self.request.recv(size), "tcp")
                if reply is not None:
                    self.request.sendall(len(reply).to_bytes(2, "big") + reply)

        self.servers = []
        for kind, handler in ((socketserver.ThreadingUDPServer, Udp), (socketserver.ThreadingTCPServer, Tcp)):
            kind.allow_reuse_address = True
            server = kind((address, port), handler, bind_and_activate=False)
            server.daemon_threads, server.request_queue_size = True, 200
            server.server_bind()
            server.server_activate()
            self.servers.append(server)

    def __enter__(self) -> Odd:
        for server in self.servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def reply(self, data: bytes, over: str) -> bytes | None:
        query = dns.message.from_wire(data)
        [question] = query.question
        name, rtype = question.name.to_text().rstrip(".").lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, rtype, over))
        lie = self._lie(name, rtype)
        if lie == "silent" or (lie == "udp_lost" and over == "udp"):
            return None
        if lie == "garbage":
            return data[:2] + b"\x84\x00" + b"\xff" * 20
        reply = dns.message.make_response(query, recursion_available=not self.authoritative)
        if self.authoritative:
            reply.flags |= dns.flags.AA
        if lie == "truncated" and over == "udp":
            reply.flags |= dns.flags.TC
        elif lie in ("servfail", "refused", "nxdomain"):
            reply.set_rcode(dns.rcode.from_text(lie))
        elif isinstance(lie, list):
            for line in lie:
                owner, kind, value = line.split(" ", 2)
                reply.answer.append(dns.rrset.from_text(f"{owner}.", 60, "IN", kind, value))
        else:
            self._forward(reply, question.name, question.rdtype)
        return reply.to_wire()

    def _lie(self, name: str, rtype: str):
        rest = name
        while rest:
            for key in ((rest, rtype), (rest, "*")):
                if key in self.lies:
                    return self.lies[key]
            rest = rest.partition(".")[2]
        return None

    def _forward(self, reply: dns.message.Message, name: dns.name.Name, rdtype: int) -> None:
        for _step in range(8):
            heard, _tcp = dns.query.udp_with_fallback(
                dns.message.make_query(name, rdtype, use_edns=0, payload=1232), self.upstream[0], 5, self.upstream[1]
            )
            # A zone that its server does not have does not exist for the rest of the world.
            reply.set_rcode(dns.rcode.NXDOMAIN if heard.rcode() == dns.rcode.REFUSED else heard.rcode())
            reply.answer += heard.answer
            reply.authority = heard.authority
            last = heard.answer[-1] if heard.answer else None
            if last is None or last.rdtype != dns.rdatatype.CNAME or rdtype == dns.rdatatype.CNAME:
                return
            name = last[0].target
