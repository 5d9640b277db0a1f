# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stub resolver against servers that dnspython speaks for, well-behaved and not."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.local import resolver
from ansible_collections.email_engine.fleet.plugins.module_utils.local.resolver import Resolver
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.host import Unknown

LONG = "v=DKIM1; k=rsa; p=" + "A" * 600


class Server:
    """UDP and TCP on one port. answer(query, tcp) gives the datagrams to send."""

    def __init__(self, answer):
        self.asked = []

        def handle(data, tcp):
            query = dns.message.from_wire(data)
            self.asked.append((str(query.question[0].name), tcp))
            return answer(query, tcp)

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                data, connection = self.request
                for part in handle(data, False):
                    connection.sendto(part, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                (length,) = struct.unpack("!H", self.rfile.read(2))
                for part in handle(self.rfile.read(length), True):
                    self.wfile.write(struct.pack("!H", len(part)) + part)

        self.tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tcp)
        self.udp = socketserver.ThreadingUDPServer(self.tcp.server_address, Udp)
        self.address = f"127.0.0.1:{self.tcp.server_address[1]}"
        for server in (self.tcp, self.udp):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        for server in (self.tcp, self.udp):
            server.shutdown()
            server.server_close()


@pytest.fixture
def serve():
    servers = []

    def start(answer):
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def reply(query, *sets, code=dns.rcode.NOERROR, flags=dns.flags.RA):
    message = dns.message.make_response(query)
    message.set_rcode(code)
    message.flags |= flags
    message.answer += [dns.rrset.from_text(*entry) for entry in sets]
    return message


def ask(*servers, name="s1._domainkey.a.example", kind="TXT", **options):
    return Resolver([server.address for server in servers], timeout=0.5, **options).ask_all([(name, kind)])[name, kind]


def test_strings_of_a_record_are_one_text(serve):
    parts = " ".join(f'"{LONG[at : at + 250]}"' for at in range(0, len(LONG), 250))
    server = serve(lambda query, tcp: [reply(query, (query.question[0].name, 60, "IN", "TXT", parts, '"x"')).to_wire()])
    assert sorted(ask(server)) == sorted([LONG, "x"])


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        ("A", ["192.0.2.1", "192.0.2.2"], ["192.0.2.1", "192.0.2.2"]),
        ("AAAA", ["2001:db8::1"], ["2001:db8::1"]),
        ("PTR", ["Mail.Example.ORG."], ["mail.example.org"]),
    ],
)
def test_other_types(serve, kind, data, found):
    server = serve(lambda query, tcp: [reply(query, (query.question[0].name, 60, "IN", kind, *data)).to_wire()])
    assert sorted(ask(server, kind=kind)) == found


def test_aliases_are_followed_inside_the_answer_and_no_other_name_counts(serve):
    server = serve(
        lambda query, tcp: [
            reply(
                query,
                (query.question[0].name, 60, "IN", "CNAME", "B.example."),
                ("b.example.", 60, "IN", "CNAME", "c.example."),
                ("c.example.", 60, "IN", "TXT", '"right"'),
                ("d.example.", 60, "IN", "TXT", '"wrong"'),
            ).to_wire()
        ]
    )
    assert ask(server) == ["right"]


def test_what_does_not_fit_comes_by_tcp(serve):
    def answer(query, tcp):
        if not tcp:
            return [reply(query, flags=dns.flags.RA | dns.flags.TC).to_wire()]
        return [reply(query, (query.question[0].name, 60, "IN", "TXT", '"whole"')).to_wire()]

    server = serve(answer)
    assert ask(server) == ["whole"]
    assert [tcp for _name, tcp in server.asked] == [False, True]


@pytest.mark.parametrize("code", [dns.rcode.NXDOMAIN, dns.rcode.NOERROR])
def test_nothing_there(serve, code):
    assert ask(serve(lambda query, tcp: [reply(query, code=code).to_wire()])) == []


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP])
def test_a_failing_server_is_no_answer_and_the_next_one_is_asked(serve, code):
    bad = serve(lambda query, tcp: [reply(query, code=code).to_wire()])
    assert ask(bad) == Unknown(f"the name server answered {dns.rcode.to_text(code)}")
    good = serve(lambda query, tcp: [reply(query, (query.question[0].name, 60, "IN", "TXT", '"x"')).to_wire()])
    assert ask(bad, good) == ["x"]


def test_a_refusal_need_not_repeat_the_question(serve):
    server = serve(lambda query, tcp: [struct.pack("!6H", query.id, 0x8181, 0, 0, 0, 0)])
    assert ask(server) == Unknown("the name server answered FORMERR")


def test_an_empty_answer_of_one_who_cannot_know_is_no_answer(serve):
    for flags, answer in ((0, Unknown), (dns.flags.AA, list)):
        server = serve(lambda query, tcp, flags=flags: [reply(query, flags=flags).to_wire()])
        assert isinstance(ask(server), answer)


def test_forged_answers_are_not_taken(serve):
    def answer(query, tcp):
        right = reply(query, (query.question[0].name, 60, "IN", "TXT", '"right"')).to_wire()
        forged = reply(query, (query.question[0].name, 60, "IN", "TXT", '"forged"')).to_wire()
        number = struct.pack("!H", (query.id + 1) & 0xFFFF)
        other = dns.message.make_query("other.example", "TXT", id=query.id)
        bare = struct.pack("!6H", query.id, 0x8180, 0, 0, 0, 0)
        return [b"", b"\0", number + forged[2:], query.to_wire(), reply(other).to_wire(), bare, right]

    assert ask(serve(answer)) == ["right"]


def test_numbers_and_ports_are_not_guessable(serve):
    seen = set()

    def answer(query, tcp):
        seen.add(query.id)
        return [reply(query).to_wire()]

    server = serve(answer)
    questions = [(f"n{n}.example", "TXT") for n in range(60)]
    assert Resolver([server.address]).ask_all(questions) == dict.fromkeys(questions, [])
    assert len(seen) > 55 and max(seen) - min(seen) > 10000


def test_without_a_network_not_every_question_waits(serve):
    server = serve(lambda query, tcp: [])
    began = time.monotonic()
    answers = Resolver([server.address], timeout=0.5).ask_all([(f"n{n}.example", "TXT") for n in range(500)])
    assert time.monotonic() - began < 5
    assert set(answers.values()) == {Unknown(resolver.SILENCE)}


def test_one_silent_name_does_not_silence_the_others_and_all_ends_with_the_budget(serve):
    def answer(query, tcp):
        return [reply(query).to_wire()] if str(query.question[0].name).startswith("known") else []

    server = serve(answer)
    began = time.monotonic()
    questions = [("known.example", "TXT"), *((f"n{n}.example", "TXT") for n in range(200))]
    answers = Resolver([server.address], timeout=0.5, budget=2).ask_all([*questions, ("known2.example", "TXT")])
    assert time.monotonic() - began < 5
    assert answers.pop(("known.example", "TXT")) == []
    assert {answer.why for answer in answers.values()} == {resolver.SILENCE, "the name servers took too long"}


def test_a_closed_port_and_a_wrong_name_are_unknown():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    found = Resolver([f"127.0.0.1:{port}"], timeout=0.3).ask_all([("a.example", "A"), ("a" * 64, "A"), ("", "A")])
    assert all(isinstance(answer, Unknown) for answer in found.values())


def test_a_server_that_hangs_up_is_unknown(serve):
    def answer(query, tcp):
        return [] if tcp else [reply(query, flags=dns.flags.RA | dns.flags.TC).to_wire()]

    assert ask(serve(answer)) == Unknown("a name server closed the connection")


@pytest.mark.parametrize("text", ["", "name", "1.2.3.4:x", "1.2.3.4:99999", "[::1", "1.2.3"])
def test_servers_are_addresses(text):
    with pytest.raises(ValueError, match="."):
        Resolver([text])


def test_forms_of_a_server():
    assert Resolver(["::1", "[::1]:5", "192.0.2.1", "192.0.2.1:54"]).servers == [
        ("::1", 53),
        ("::1", 5),
        ("192.0.2.1", 53),
        ("192.0.2.1", 54),
    ]


def test_the_hosts_own_servers(tmp_path):
    path = tmp_path / "resolv.conf"
    path.write_text(
        "# nameserver 192.0.2.9\nsearch a.example\nnameserver\n\nnameserver 192.0.2.1 # x\nnameserver ::1\n"
    )
    assert resolver._of_this_host(str(path)) == [("192.0.2.1", 53), ("::1", 53)]
    path.write_text("nameserver 192.0.2.1\n" * 9)
    assert len(resolver._of_this_host(str(path))) == 3
    assert resolver._of_this_host(str(tmp_path / "none")) == [("127.0.0.1", 53)]


QUERY = dns.message.make_query("s1._domainkey.a.example", "TXT")
QUESTION = QUERY.to_wire()[12:]
WHOLE = reply(
    QUERY,
    ("s1._domainkey.a.example.", 60, "IN", "CNAME", "b.example."),
    ("b.example.", 60, "IN", "TXT", '"one" "two"'),
).to_wire()


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(12, len(WHOLE) - 1), st.integers(0, 255)), max_size=6), st.integers(0, 40))
def test_damaged_answers_are_unusable_or_texts(changes, cut):
    data = bytearray(WHOLE)
    for at, byte in changes:
        data[at] = byte
    try:
        found = resolver._read(bytes(data[: len(data) - cut]), QUESTION, 16)
    except resolver._Unusable:
        return
    assert all(isinstance(text, str) for text in found)
