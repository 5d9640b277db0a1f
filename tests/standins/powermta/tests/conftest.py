# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A product root in a temporary directory, a daemon on loopback, and a remote server that says what a test wants."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import world  # noqa: E402


@pytest.fixture(scope="session")
def rsa_key(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return world.new_key()


@pytest.fixture
def root(tmp_path: Path, rsa_key: bytes) -> world.Root:
    return world.Root(tmp_path, rsa_key)


@pytest.fixture
def sink() -> world.Sink:
    server = world.Sink()
    yield server
    server.stop()


@pytest.fixture
def daemon(root: world.Root) -> world.Daemon:
    """Not started: a test writes its configuration first."""
    one = world.Daemon(root)
    yield one
    one.kill()


@pytest.fixture
def nameserver():
    """Answers MX and A for a handful of names."""
    zone = {
        ("nullmx.test.", "MX"): ["0 ."],
        ("ok.test.", "MX"): ["20 mx2.ok.test.", "10 mx1.ok.test."],
        ("mx1.ok.test.", "A"): ["127.0.0.99"],
        ("mx2.ok.test.", "A"): ["127.0.0.9"],
        ("noanswer.test.", "A"): ["127.0.0.9"],
        ("one.test.", "MX"): ["10 one.mx.big.test."],
        ("two.test.", "MX"): ["20 elsewhere.test.", "30 TWO.mx.big.test."],
        ("own.test.", "MX"): ["10 mx.own.test."],
        ("one.mx.big.test.", "A"): ["127.0.0.9"],
        ("two.mx.big.test.", "A"): ["127.0.0.9"],
        ("elsewhere.test.", "A"): ["127.0.0.99"],
        ("mx.own.test.", "A"): ["127.0.0.9"],
    }
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                wire, peer = sock.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(wire)
            question = query.question[0]
            name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.RA
            if (name, kind) in zone:
                reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *zone[name, kind]))
            elif not any(key[0] == name for key in zone):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            sock.sendto(reply.to_wire(), peer)

    threading.Thread(target=serve, daemon=True).start()
    yield f"127.0.0.1:{sock.getsockname()[1]}"
    sock.close()
