# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab itself: without these a green proof of the fleet could be the lab's leniency. Needs root and ``bin/lab up``; about half a minute."""

from __future__ import annotations

import base64
import secrets
import subprocess
import sys
from collections.abc import Iterator

import dkim
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.email_engine.fleet.tests.lab import client

pytestmark = pytest.mark.lab

DYNAMIC = ["sos-holidays.test", "ulixai.test", "0.19.198.in-addr.arpa", "1.19.198.in-addr.arpa"]
STATIC = [
    "test",
    "lab.test",
    "lists.test",
    "bogus.test",
    "partner.test",
    "gmail.test",
    "outlook.test",
    "operator.test",
    "18.198.in-addr.arpa",
]
VPS1 = "198.18.0.11"


@pytest.fixture(scope="module", autouse=True)
def lab_is_up() -> None:
    """Fails, not skips: a skipped lab test proves nothing and looks green."""
    if client.lab("status").returncode:
        pytest.fail("the lab is not up; start it: bin/lab up", pytrace=False)


@pytest.fixture
def token() -> str:
    """A word no other test uses."""
    return "t" + secrets.token_hex(6)


@pytest.fixture
def domain(token: str) -> Iterator[str]:
    """A fresh sending domain below sos-holidays.test; what is published at and below it goes away afterwards."""
    name = f"{token}.sos-holidays.test."
    yield name.rstrip(".")
    client.update(
        "sos-holidays.test", ("delete", name), ("delete", f"_dmarc.{name}"), ("delete", f"s1._domainkey.{name}")
    )


@pytest.fixture
def new_address() -> Iterator[str]:
    """A sending address on vps1 that no zone knows."""
    address = "198.19.1.250"
    client.on("vps1", f"ip address replace {address}/32 dev host0")
    yield address
    client.on("vps1", f"ip address delete {address}/32 dev host0")
    client.update("1.19.198.in-addr.arpa", ("delete", "250.1.19.198.in-addr.arpa."))


def mail(from_address: str, subject: str, extra: str = "") -> bytes:
    """A plain message."""
    return (
        f"{extra}From: Test <{from_address}>\r\nTo: reader@gmail.test\r\nSubject: {subject}\r\n"
        f"Date: Sun, 22 Nov 2026 08:00:00 +0000\r\nMessage-ID: <{subject}@{from_address.split('@')[1]}>\r\n\r\nGood day.\r\n"
    ).encode()


# --- names


@pytest.mark.parametrize("zone", DYNAMIC + STATIC)
def test_resolver_reaches_each_zone_by_delegation(zone: str) -> None:
    assert client.resolve(zone, "NS") == ["ns1.lab.test.", "ns2.lab.test."]


def test_names_and_addresses_of_providers_confirm_each_other() -> None:
    for provider, address in client.MX.items():
        assert client.resolve(provider, "MX") == [f"10 mx.{provider}."]
        assert client.resolve(f"mx.{provider}", "A") == [address]
        assert client.resolve(".".join(reversed(address.split("."))) + ".in-addr.arpa", "PTR") == [f"mx.{provider}."]


@pytest.mark.parametrize("zone", DYNAMIC)
def test_update_with_the_key_is_seen_and_followed_by_the_secondary(zone: str, token: str) -> None:
    name = f"{token}.{zone}."
    for change, expected in ((("add", name, 60, "TXT", '"here"'), ['"here"']), (("delete", name), [])):
        assert client.update(zone, change, follow=False) == "NOERROR"
        assert client.resolve(name, "TXT", client.PRIMARY) == expected
        client.followed(zone)
        assert client.resolve(name, "TXT", client.SECONDARY) == expected
        assert client.resolve(name, "TXT") == expected


def test_update_without_the_key_is_refused(token: str) -> None:
    add = ("add", f"{token}.sos-holidays.test.", 60, "TXT", '"no"')
    assert client.update("sos-holidays.test", add, secret=None) in ("REFUSED", "NOTAUTH", "PeerBadKey")
    assert client.update("sos-holidays.test", add, secret="c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0") == "PeerBadSignature"
    assert client.resolve(f"{token}.sos-holidays.test", "TXT", client.PRIMARY) == []


@pytest.mark.parametrize("zone", ["lab.test", "gmail.test", "test", "18.198.in-addr.arpa"])
def test_update_of_another_zone_is_refused_even_with_the_key(zone: str, token: str) -> None:
    assert client.update(zone, ("add", f"{token}.{zone}.", 60, "TXT", '"no"')) in ("REFUSED", "NOTAUTH", "PeerBadKey")


def test_names_outside_end_at_the_labs_root() -> None:
    assert client.resolve("gmail.com", "MX") == []
    assert client.resolve("spamhaus.org", "A") == []


# --- what may leave


@pytest.fixture
def outside() -> Iterator[str]:
    """A host beyond this computer's bridge, in a network namespace: listens on 25, 80 and 587. Nothing real is ever tried."""
    space, address, gateway = "eelab-outside", "198.51.100.2", "198.51.100.1"
    listener = "import selectors,socket;s=selectors.DefaultSelector()\nfor p in (25,80,587):\n s.register(socket.create_server(('',p)),1)\n"
    listener += "print('ready',flush=True)\nwhile 1:\n for k,_ in s.select(): k.fileobj.accept()[0].close()"
    run = lambda command: subprocess.run(command.split(), check=True)  # noqa: E731
    subprocess.run(["ip", "netns", "delete", space], capture_output=True)
    run(f"ip netns add {space}")
    process = None
    try:
        run(f"ip link add eelab-out type veth peer name out0 netns {space}")
        run(f"ip address add {gateway}/30 dev eelab-out")
        run("ip link set eelab-out up")
        run(f"ip -n {space} address add {address}/30 dev out0")
        run(f"ip -n {space} link set out0 up")
        run(f"ip -n {space} link set lo up")
        process = subprocess.Popen(
            ["ip", "netns", "exec", space, sys.executable, "-c", listener], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout.readline() == "ready\n"
        yield address
    finally:
        if process:
            process.kill()
            process.wait()
        subprocess.run(["ip", "link", "delete", "eelab-out"], capture_output=True)
        run(f"ip netns delete {space}")


def connects(machine: str, address: str, port: int) -> bool:
    """Whether a TCP connection comes about within 2 s."""
    return client.lab("ssh", machine, f"timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/{port}'").returncode == 0


@pytest.mark.parametrize("machine", ["vps2", "internet"])
def test_only_package_downloads_leave_the_bridge(machine: str, outside: str) -> None:
    assert connects(machine, outside, 80), "without this the refusals below prove nothing"
    assert not connects(machine, outside, 25)
    assert not connects(machine, outside, 587)


def test_packages_can_be_listed_from_a_bare_machine() -> None:
    assert "Err:" not in client.on("vps3", "apt-get update -q 2>&1")


@pytest.mark.parametrize("provider", client.MX)
def test_nothing_is_sent_on(provider: str) -> None:
    code, text = client.send(
        "vps1",
        "someone@elsewhere.example",
        mail("a@lab.test", "relay"),
        "a@lab.test",
        ehlo="vps1.lab.test",
        mx=client.MX[provider],
    )
    assert code == 554, text


# --- verdicts


def test_unauthenticated_mail_does_not_pass(domain: str, token: str) -> None:
    published = client.update(
        "sos-holidays.test",
        ("add", f"{domain}.", 60, "TXT", '"v=spf1 ip4:198.19.1.99 -all"'),
        ("add", f"_dmarc.{domain}.", 60, "TXT", '"v=DMARC1; p=none"'),
    )
    assert published == "NOERROR"
    code, text = client.send(
        "vps1", "reader@gmail.test", mail(f"a@{domain}", token), f"a@{domain}", ehlo="vps1.lab.test"
    )
    assert code == 250, text
    (message,) = client.delivered(token)
    assert (message["source_ip"], message["ehlo"], message["client_name"]) == (VPS1, "vps1.lab.test", "vps1.lab.test")
    assert message["return_path"] == f"a@{domain}"
    found = message["authentication_results"]
    assert (found["spf"], found["dkim"]["result"], found["dmarc"]) == ("fail", "none", "fail")


def test_signed_mail_from_a_listed_address_passes(domain: str, token: str) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    record = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
    published = client.update(
        "sos-holidays.test",
        ("add", f"{domain}.", 60, "TXT", f'"v=spf1 ip4:{VPS1} -all"'),
        ("add", f"_dmarc.{domain}.", 60, "TXT", '"v=DMARC1; p=reject; adkim=s; aspf=s"'),
        ("add", f"s1._domainkey.{domain}.", 60, "TXT", f'"{record[:200]}" "{record[200:]}"'),
    )
    assert published == "NOERROR"
    message = mail(f"a@{domain}", token)
    signature = dkim.sign(message, b"s1", domain.encode(), private, include_headers=[b"from", b"to", b"subject"])
    for provider in client.MX:
        code, text = client.send("vps1", f"reader@{provider}", signature + message, f"a@{domain}", ehlo="vps1.lab.test")
        assert code == 250, text
    # Signed for another content: what was signed above must not pass whatever the text is.
    code, text = client.send(
        "vps1", "reader@gmail.test", signature + message.replace(b"Good", b"Bad"), f"a@{domain}", ehlo="vps1.lab.test"
    )
    assert code == 250, text
    messages = client.delivered(token, count=4)
    verdicts = [message["authentication_results"] for message in messages]
    for found in verdicts[:3]:
        assert (found["spf"], found["dkim"]["result"], found["dmarc"]) == ("pass", "pass", "pass")
        assert (found["dkim"]["domain"], found["dkim"]["selector"]) == (domain, "s1")
    assert verdicts[3]["dkim"]["result"] == "fail"


def test_forged_verdict_does_not_count(domain: str, token: str) -> None:
    client.update("sos-holidays.test", ("add", f"{domain}.", 60, "TXT", '"v=spf1 -all"'))
    forged = "".join(
        f"Authentication-Results: {name};\r\n spf=pass smtp.mailfrom=a@{domain}; dkim=pass header.d={domain}; dmarc=pass header.from={domain}\r\n"
        for name in ("mx.gmail.test", "(one) mx.gmail.test", "mx.gmail.test 1", "\r\n mx.gmail.test")
    )
    code, text = client.send(
        "vps1", "reader@gmail.test", mail(f"a@{domain}", token, extra=forged), f"a@{domain}", ehlo="vps1.lab.test"
    )
    assert code == 250, text
    (message,) = client.delivered(token)
    found = message["authentication_results"]
    assert (found["spf"], found["dkim"]["result"], found["dmarc"]) == ("fail", "none", "none")
    assert [name.lower() for name, _ in message["headers"]].count("authentication-results") == 1


def test_a_provider_refuses_an_address_without_a_confirmed_ptr(domain: str, token: str, new_address: str) -> None:
    def try_outlook() -> int:
        return client.send(
            "vps1", "reader@outlook.test", mail(f"a@{domain}", token), f"a@{domain}", ehlo=domain, source=new_address
        )[0]

    client.update("sos-holidays.test", ("add", f"_dmarc.{domain}.", 60, "TXT", '"v=DMARC1; p=none"'))
    assert try_outlook() == 550
    assert (
        client.update("1.19.198.in-addr.arpa", ("add", "250.1.19.198.in-addr.arpa.", 60, "PTR", f"{domain}."))
        == "NOERROR"
    )
    assert try_outlook() == 550, "a PTR that no A record confirms is as good as none"
    code, _ = client.send(
        "vps1", "reader@gmail.test", mail(f"a@{domain}", token), f"a@{domain}", ehlo=domain, source=new_address
    )
    assert code == 250
    (message,) = client.delivered(token, "reader@gmail.test")
    assert (message["source_ip"], message["client_name"]) == (new_address, "unknown")
    assert client.update("sos-holidays.test", ("add", f"{domain}.", 60, "A", new_address)) == "NOERROR"
    assert try_outlook() == 250
    (message,) = client.delivered(token, "reader@outlook.test")
    assert (message["source_ip"], message["ehlo"], message["client_name"]) == (new_address, domain, domain)


@pytest.mark.parametrize(
    ("who", "code", "status"),
    [
        ("slow", 421, "4.7.0"),
        ("busy", 451, "4.3.0"),
        ("full", 452, "4.2.2"),
        ("blocked", 550, "5.7.1"),
        ("unknown", 550, "5.1.1"),
        ("slow7", 421, "4.7.0"),
    ],
)
def test_providers_on_a_bad_day(who: str, code: int, status: str) -> None:
    for provider in client.MX:
        answer = client.send("vps1", f"{who}@{provider}", mail("a@lab.test", who), "a@lab.test", ehlo="vps1.lab.test")
        assert answer[0] == code and answer[1].startswith(status), answer


# --- machines


def test_inventory_names_the_machines_that_the_lab_makes() -> None:
    def hosts(group: dict) -> dict[str, str]:
        found = {name: given["ansible_host"] for name, given in (group.get("hosts") or {}).items()}
        for child in (group.get("children") or {}).values():
            found |= hosts(child or {})
        return found

    lines = client.lab("status").stdout.splitlines()
    made = {line.split()[0]: line.split()[1] for line in lines if not line.startswith("bridge")}
    assert hosts(yaml.safe_load((client.ROOT / "inventories/lab/hosts.yml").read_text())["all"]) == made


def test_what_was_published_outlives_a_reboot(token: str) -> None:
    name = f"{token}.ulixai.test."
    assert client.update("ulixai.test", ("add", name, 60, "TXT", '"still here"')) == "NOERROR"
    done = client.lab("reboot", "internet")
    assert done.returncode == 0, done.stdout + done.stderr
    try:
        assert client.resolve(name, "TXT") == ['"still here"']
        assert client.resolve(name, "TXT", client.SECONDARY) == ['"still here"']
    finally:
        client.update("ulixai.test", ("delete", name))
