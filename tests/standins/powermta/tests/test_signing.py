# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM: what is signed, by which key, and what silently is not. Verified with dkimpy against the key's public half."""

from __future__ import annotations

import base64
import re

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from test_injection import source
from world import until


def public_record(pem: bytes) -> bytes:
    key = serialization.load_pem_private_key(pem, None).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def tags(content: bytes) -> dict[str, str] | None:
    found = re.match(rb"DKIM-Signature: ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", content)
    if not found:
        return None
    text = re.sub(r"\s+", "", found[1].decode())
    return dict(part.split("=", 1) for part in text.split(";") if part)


def config(sink, domain: str = "dkim-sign yes\n", vmta: str = "", pool: str = "", top: str = "") -> str:
    return (
        f"{top}<domain *>\nsmtp-hosts {sink.host}\n{domain}</domain>\n"
        f"<virtual-mta a>\nsmtp-source-host 127.0.0.21 a.sos.test\n{vmta}</virtual-mta>\n"
        f"<virtual-mta-pool p>\nvirtual-mta a\n{pool}</virtual-mta-pool>\n"
    )


POLICY = source("always-allow-relaying yes", "default-virtual-mta a")
KEY = "domain-key {},{},/etc/pmta/dkim/mail1.pem\n"


def delivered(daemon, sink, text: str, **message) -> bytes:
    daemon.configure(text, POLICY)
    daemon.start()
    daemon.send(**message)
    return until(lambda: sink.received)[0]["content"]


def test_signed_and_verifiable(daemon, sink, rsa_key) -> None:
    text = config(
        sink, vmta=KEY.format("s1", "mail1.sos.test"), domain="dkim-sign yes\ndkim-headers List-Unsubscribe-Post\n"
    )
    headers = "List-Unsubscribe: <https://x.test/>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    content = delivered(daemon, sink, text, headers=headers)
    found = tags(content)
    assert (found["d"], found["s"], found["a"], found["c"]) == ("mail1.sos.test", "s1", "rsa-sha256", "relaxed/relaxed")
    signed = found["h"].lower().split(":")
    assert {"from", "to", "subject", "list-unsubscribe", "list-unsubscribe-post"} <= set(signed)
    assert dkim.verify(content, dnsfunc=lambda name, timeout=5: public_record(rsa_key))
    assert not dkim.verify(content.replace(b"hello", b"jello"), dnsfunc=lambda name, timeout=5: public_record(rsa_key))


def test_one_click_header_is_not_in_the_fixed_list(daemon, sink) -> None:
    text = config(sink, vmta=KEY.format("s1", "mail1.sos.test"))
    content = delivered(daemon, sink, text, headers="List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
    assert "list-unsubscribe-post" not in tags(content)["h"].lower().split(":")


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("no dkim-sign", {"domain": "", "vmta": KEY.format("s1", "mail1.sos.test")}),
        ("no key", {}),
        ("another domain's key", {"vmta": KEY.format("s1", "mail2.sos.test")}),
        ("a child is no parent", {"vmta": KEY.format("s1", "x.mail1.sos.test")}),
        ("a suffix is no parent", {"vmta": KEY.format("s1", "l1.sos.test")}),
    ],
)
def test_goes_out_unsigned(daemon, sink, why, text) -> None:
    assert tags(delivered(daemon, sink, config(sink, **text))) is None, why


@pytest.mark.parametrize(
    ("text", "selector", "domain"),
    [
        (
            {
                "vmta": KEY.format("v", "sos.test"),
                "pool": KEY.format("p", "sos.test"),
                "top": KEY.format("g", "sos.test"),
            },
            "v",
            "sos.test",
        ),
        (
            {
                "vmta": KEY.format("v", "no.test"),
                "pool": KEY.format("p", "sos.test"),
                "top": KEY.format("g", "sos.test"),
            },
            "p",
            "sos.test",
        ),
        ({"top": KEY.format("g", "sos.test")}, "g", "sos.test"),
        ({"vmta": KEY.format("s1", "sos.test") + KEY.format("s2", "mail1.sos.test")}, "s1", "sos.test"),
        ({"vmta": KEY.format("any", "*")}, "any", "mail1.sos.test"),
    ],
)
def test_which_key(daemon, sink, text, selector, domain) -> None:
    found = tags(delivered(daemon, sink, config(sink, **text)))
    assert (found["s"], found["d"]) == (selector, domain)


def test_sender_header_takes_the_identity(daemon, sink) -> None:
    text = config(sink, vmta=KEY.format("s", "*"))
    assert tags(delivered(daemon, sink, text, headers="Sender: x@esp.test\r\n"))["d"] == "esp.test"


def test_strict_from_ignores_the_sender_header(daemon, sink) -> None:
    text = config(sink, vmta=KEY.format("s", "*"), domain="dkim-sign yes\ndkim-identity strict-from\n")
    assert tags(delivered(daemon, sink, text, headers="Sender: x@esp.test\r\n"))["d"] == "mail1.sos.test"


def test_strict_from_does_not_sign_two_authors(daemon, sink) -> None:
    text = config(sink, vmta=KEY.format("s", "*"), domain="dkim-sign yes\ndkim-identity strict-from\n")
    assert tags(delivered(daemon, sink, text, sender="a@mail1.sos.test>, <b@mail1.sos.test")) is None


def test_fixed_identity(daemon, sink) -> None:
    text = config(sink, vmta=KEY.format("s", "esp.test"), domain="dkim-sign yes\ndkim-identity @esp.test\n")
    assert tags(delivered(daemon, sink, text))["d"] == "esp.test"


def test_dkim_sign_is_per_recipient_domain(daemon, sink) -> None:
    text = config(sink, domain="", vmta=KEY.format("s", "*") + "<domain other.test>\ndkim-sign yes\n</domain>\n")
    daemon.configure(text, POLICY)
    daemon.start()
    daemon.send("u@isp.test")
    daemon.send("u@other.test")
    until(lambda: len(sink.received) == 2)
    assert {one["rcpt"]: tags(one["content"]) is not None for one in sink.received} == {
        "u@isp.test": False,
        "u@other.test": True,
    }
