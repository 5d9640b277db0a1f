# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mail_probe reads a mailbox, and smtp_probe logs in: as Ansible runs them, with servers that speak just enough."""

from __future__ import annotations

import base64
import json
import shutil
import socketserver
import subprocess
import sys
import threading
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_text import quote_txt
from ansible_collections.email_engine.fleet.plugins.module_utils.local.dkim_signing import signed_probe
from ansible_collections.email_engine.fleet.plugins.modules import mail_probe, smtp_probe
from ansible_collections.email_engine.fleet.tests.integration import name_servers

NS, DOMAIN = "127.0.0.86", "m1.probe.test"
RECEIVED = f"Received: from {DOMAIN} ({DOMAIN} [198.51.100.1])\r\n\tby mx.box.test with ESMTP id 1; today\r\n"
SENDER = {"name": DOMAIN, "ip": "198.51.100.1", "hostname": DOMAIN, "domain": DOMAIN}
REPLY = {"id": "s1", "accepted": True, "code": 250, "reply": "accepted"}


@pytest.fixture(scope="module")
def key():
    found = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = found.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = found.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem, base64.b64encode(public).decode()


@pytest.fixture(scope="module")
def dns(key, tmp_path_factory):
    if not shutil.which("knotd"):
        pytest.fail("knotd is missing: apt-get install knot")
    port = name_servers.free_port(NS)
    zone = (
        f"probe.test. 60 SOA ns.probe.test. h.probe.test. 1 60 60 60 60\nprobe.test. 60 NS ns.probe.test.\n"
        f"ns.probe.test. 60 A {NS}\ns1._domainkey.{DOMAIN}. 60 TXT {quote_txt(f'v=DKIM1; k=rsa; p={key[1]}')}\n"
    )
    with name_servers.Knot(tmp_path_factory.mktemp("dns") / "ns", NS, port, {"probe.test": zone}):
        yield f"{NS}@{port}"


def delivered(key, place, text: str = "", received: str = RECEIVED) -> None:
    """The message, as the provider stored it; text: what it changed in it."""
    message = received + signed_probe(key[0], DOMAIN, "s1", time.time())
    for folder in ("new", "cur", "tmp"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    (place / "new" / "1").write_bytes(message.replace("It is not sent", text or "It is not sent").encode())


def probed(dns, mailbox: dict, **options) -> dict:
    mailbox = {"host": None, "port": 993, "user": None, "password": None, "folder": "INBOX", "maildir": None, **mailbox}
    sent = [{"id": "s1", "sender": DOMAIN}]
    params = {"fleet": {"senders": [SENDER]}, "sent": sent, "replies": [REPLY], "wait": 0, "timeout": 1}
    # The subject of a probe is "DKIM key s1", and its last word tells it from others.
    found = mail_probe.run({**params, "mailbox": mailbox, "resolvers": [dns], **options})
    return {name: edge["verdict"] for name, edge in found["senders"][0]["edges"].items()}


GOOD = {"received": "ok", "source_ip": "ok", "ehlo": "ok", "dkim": "ok"}


def test_a_message_that_arrived_as_it_should(key, dns, tmp_path):
    delivered(key, tmp_path)
    assert probed(dns, {"maildir": str(tmp_path)}) == GOOD


def test_what_was_changed_on_the_way_is_not_signed(key, dns, tmp_path):
    delivered(key, tmp_path, "It is changed")
    assert probed(dns, {"maildir": str(tmp_path)}) == {**GOOD, "dkim": "wrong"}


def test_another_address_is_seen(key, dns, tmp_path):
    delivered(key, tmp_path, received=RECEIVED.replace("198.51.100.1", "198.51.100.99"))
    assert probed(dns, {"maildir": str(tmp_path)}) == {**GOOD, "source_ip": "wrong", "ehlo": "unknown"}


def test_a_resolver_that_is_silent_says_nothing_about_the_signature(key, dns, tmp_path):
    delivered(key, tmp_path)
    silent = f"127.0.0.87@{name_servers.free_port('127.0.0.87')}"
    assert probed(dns, {"maildir": str(tmp_path)}, resolvers=[silent], timeout=0.3) == {**GOOD, "dkim": "unknown"}


def test_what_is_not_there_is_missing(dns, tmp_path):
    assert probed(dns, {"maildir": str(tmp_path)})["received"] == "missing"
    refused = {**REPLY, "accepted": False, "reply": "5.7.1 no"}
    assert probed(dns, {"maildir": str(tmp_path)}, replies=[refused])["received"] == "unknown"


class Imap:
    """imaplib's other side: one folder with one message; a search finds it whatever was asked."""

    def __init__(self, host, port, timeout):
        self.raw, self.asked = Imap.message, Imap.said

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.asked.append(("logout",))

    def login(self, user, password):
        self.asked.append(("login", user, password))

    def select(self, folder, readonly):
        self.asked.append(("select", folder, readonly))

    def search(self, _charset, *words):
        return "OK", [b"1"]

    def fetch(self, number, what):
        self.asked.append(("fetch", number, what))
        return "OK", [(b"1 (BODY[] {9}", self.raw), b")"]


def test_an_imap_folder_is_read_and_left_as_it_was(key, dns, tmp_path, monkeypatch):
    delivered(key, tmp_path)
    Imap.message, Imap.said = (tmp_path / "new/1").read_bytes(), []
    monkeypatch.setattr(mail_probe.imaplib, "IMAP4_SSL", Imap)
    assert probed(dns, {"host": "imap.box.test", "user": "u", "password": "p"}) == GOOD
    assert Imap.said == [
        ("login", "u", "p"),
        ("select", "INBOX", True),
        ("fetch", "1", "(BODY.PEEK[])"),
        ("logout",),
    ]


def test_the_module_names_what_it_needs(tmp_path):
    path = tmp_path / "arguments.json"
    given = {"fleet": {"senders": []}, "sent": [], "replies": [], "mailbox": {"user": "u"}}
    path.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": given}))
    module = "ansible_collections.email_engine.fleet.plugins.modules.mail_probe"
    done = subprocess.run([sys.executable, "-m", module, str(path)], capture_output=True, text=True, check=False)
    assert "host, maildir" in done.stdout, done.stdout


class Mta(socketserver.StreamRequestHandler):
    """Takes mail of whoever logged in as mw with the right password, over a plain connection."""

    def handle(self):
        said, user = [], None
        self.server.sessions.append(said)
        self.wfile.write(b"220 mta\r\n")
        for line in iter(self.rfile.readline, b""):
            words = line.decode().split()
            verb = words[0].upper() if words else ""
            said.append(line.decode().strip())
            if verb == "EHLO":
                self.wfile.write(b"250-mta\r\n250 AUTH PLAIN\r\n")
            elif verb == "AUTH":
                good = base64.b64decode(words[2]) == b"\0mw\0secret"
                user = "mw" if good else None
                self.wfile.write(b"235 ok\r\n" if good else b"535 5.7.8 no\r\n")
            elif verb == "DATA":
                self.wfile.write(b"354 go\r\n")
                for body in iter(self.rfile.readline, b".\r\n"):
                    said.append(body.decode().strip())
                self.wfile.write(b"250 taken\r\n")
            elif verb == "QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n" if user or verb in ("RSET",) else b"530 5.7.0 log in\r\n")


@pytest.mark.parametrize(("password", "codes"), [("secret", [530, 250]), ("wrong", [530, 535])])
def test_a_message_is_handed_in_by_the_login_that_it_names(password, codes):
    message = {"mail_from": "a@m1.test", "rcpt_to": ["b@box.test"], "headers": ["Subject: x"], "body": "x"}
    messages = [{**message, "id": "1", "user": None}, {**message, "id": "2", "user": "mw"}]
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mta) as server:
        server.daemon_threads, server.sessions = True, []
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        params = {"host": "127.0.0.1", "port": server.server_address[1], "ehlo": "here", "timeout": 5}
        replies = smtp_probe.probe(
            {**params, "source_address": None, "passwords": {"mw": password}, "messages": messages}
        )
        server.shutdown()
    assert [reply["code"] or int(reply["reply"].split("(")[1][:3]) for reply in replies] == codes, replies
    assert len(server.sessions) == 2
