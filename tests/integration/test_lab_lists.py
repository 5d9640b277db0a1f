# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's blocklists, its untrustworthy resolvers, its signed zones and its secondary out of step. Needs root and ``bin/lab up``; a few seconds."""

from __future__ import annotations

import ipaddress
import secrets
import time
from collections.abc import Iterator

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.rrset
import pytest
import yaml

from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.catalogue import LISTS
from ansible_collections.email_engine.fleet.tests.lab import client

pytestmark = pytest.mark.lab

MADE = {
    one["name"]: one for one in yaml.safe_load((client.ROOT / "tests/lab/lists.yml").read_text())["lab_dnsbl_lists"]
}
KINDS = {"zen": "198.19.0.77", "dbl": "listed.sos-holidays.test"}
LYING, FORWARDING = "198.18.0.58", "198.18.0.59"


@pytest.fixture(autouse=True)
def nothing_listed() -> Iterator[None]:
    """Fails, not skips, where there is no lab; leaves nothing listed and nothing at fault."""
    if client.lab("status").returncode:
        pytest.fail("the lab is not up; start it: bin/lab up", pytrace=False)
    say("lists", "reset")
    yield
    say("lists", "reset")


def say(*words: str) -> str:
    done = client.lab(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def asked_as(name: str, target: str) -> str:
    """The name that is asked to learn whether a list has a target."""
    try:
        address = ipaddress.ip_address(target)
    except ValueError:
        return f"{target}.{MADE[name]['zone']}"
    return address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa") + f".{MADE[name]['zone']}"


def answer(name: str, target: str, server: str = client.RESOLVER) -> list[str] | str:
    """The addresses answered, sorted; or the answer's code where there are none, "silent" without an answer."""
    question = dns.message.make_query(asked_as(name, target), "A")
    try:
        found, _over_tcp = dns.query.udp_with_fallback(question, server, timeout=3)
    except dns.exception.Timeout:
        return "silent"
    addresses = sorted(item.to_text() for rrset in found.answer for item in rrset)
    return addresses or dns.rcode.to_text(found.rcode())


def test_every_list_that_is_asked_without_a_key_is_here() -> None:
    wanted = {name: (one["zone"], one["kind"]) for name, one in LISTS.items() if one.get("zone")}
    assert {name: (one["zone"], one["kind"]) for name, one in MADE.items()} == wanted


@pytest.mark.parametrize("name", MADE)
def test_points_of_every_list(name: str) -> None:
    listed, clean = ("test", "invalid") if MADE[name]["kind"] == "domain" else ("127.0.0.2", "127.0.0.1")
    found = answer(name, listed)
    assert isinstance(found, list) and all(code.startswith("127.0.") for code in found)
    assert answer(name, clean) == "NXDOMAIN"
    assert answer(name, LISTS[name].get("listed_test", listed)) == found
    if MADE[name]["kind"] == "ip":
        assert answer(name, "::ffff:127.0.0.2") == found and answer(name, "::ffff:127.0.0.1") == "NXDOMAIN"


@pytest.mark.parametrize(
    ("name", "given", "target", "codes"),
    [
        ("zen", "198.19.0.77", "198.19.0.77", ["127.0.0.2", "127.0.0.3"]),
        ("zen", "198.19.0.64/28", "198.19.0.77", ["127.0.0.9"]),
        ("zen", "2001:db8::7", "2001:db8::7", ["127.0.0.3"]),
        ("dbl", "sos-holidays.test", "sos-holidays.test", ["127.0.1.2"]),
        ("dbl", "sos-holidays.test", "mail1.sos-holidays.test", ["127.0.1.2"]),
    ],
)
def test_a_listing_counts_at_once_and_so_does_its_end(name: str, given: str, target: str, codes: list[str]) -> None:
    assert answer(name, target) == "NXDOMAIN"
    began = time.monotonic()
    say("list", name, given, *codes)
    assert answer(name, target) == codes
    assert answer("spamcop" if name == "zen" else "uribl", target) == "NXDOMAIN", "the other lists do not have it"
    say("unlist", name, given)
    assert answer(name, target) == "NXDOMAIN"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("refuse", "SERVFAIL"),
        ("servfail", "SERVFAIL"),
        ("truncate", "SERVFAIL"),
        ("timeout", "silent"),
        ("nxdomain", "NXDOMAIN"),
        ("dead", ["127.0.0.2"]),
        ("parked", ["198.51.100.80"]),
        ("ok", "NXDOMAIN"),
    ],
)
@pytest.mark.parametrize("name", KINDS)
def test_a_list_at_fault_does_not_disturb_another(name: str, fault: str, code: str | list[str]) -> None:
    if fault == "ok":
        say("list-fault", "all", "refuse")
    say("list-fault", "all" if fault == "ok" else name, fault)
    assert answer(name, KINDS[name]) == code
    assert answer("spamcop", "127.0.0.2") == ["127.0.0.2"]


def test_a_list_that_answers_with_an_error(name: str = "zen") -> None:
    say("list-answer", name, "127.255.255.254")
    assert answer(name, "198.19.0.77") == answer(name, "127.0.0.1") == ["127.255.255.254"]


@pytest.mark.parametrize(
    "words",
    [
        ("list", "nobody", "198.19.0.1", "127.0.0.2"),
        ("list", "zen", "sos-holidays.test", "127.0.0.2"),
        ("list", "zen", "198.19.0.1", "listed"),
        ("list", "zen", "198.19.0.1"),
        ("list-fault", "zen", "tired"),
        ("secondary", "sleep"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...]) -> None:
    done = client.lab(*words)
    assert done.returncode and done.stderr
    assert answer("zen", "198.19.0.1") == "NXDOMAIN"


def test_listings_and_faults_outlive_a_restart() -> None:
    say("list", "zen", "198.19.0.77", "127.0.0.4")
    say("list-fault", "dbl", "refuse")
    client.on("internet", "systemctl restart lab-lists lab-lists-front")
    assert answer("zen", "198.19.0.77") == ["127.0.0.4"]
    assert answer("dbl", "test") == "SERVFAIL"


# --- resolvers


def test_the_resolver_that_lies_has_an_address_for_everything() -> None:
    assert answer("zen", "198.19.0.77") == "NXDOMAIN"
    assert answer("zen", "198.19.0.77", LYING) == ["198.51.100.99"]
    assert answer("zen", "127.0.0.2", LYING) == answer("zen", "127.0.0.2")


def test_who_asks_shows_that_a_resolver_forwards() -> None:
    assert client.resolve("whoami.akamai.net", "A") == [client.RESOLVER]
    assert client.resolve("whoami.akamai.net", "A", FORWARDING) == [client.RESOLVER] != [FORWARDING]


# --- signatures, and the secondary


def signed(name: str, kind: str, server: str) -> tuple[dns.rrset.RRset, dns.rrset.RRset]:
    question = dns.message.make_query(name, kind, want_dnssec=True)
    found = dns.query.udp_with_fallback(question, server, timeout=3)[0]
    rrset = found.get_rrset(found.answer, dns.name.from_text(name), dns.rdataclass.IN, dns.rdatatype.from_text(kind))
    signature = found.get_rrset(
        found.answer,
        dns.name.from_text(name),
        dns.rdataclass.IN,
        dns.rdatatype.RRSIG,
        dns.rdatatype.from_text(kind),
    )
    assert rrset and signature, found
    return rrset, signature


@pytest.mark.parametrize("server", [client.PRIMARY, client.SECONDARY])
def test_the_chain_of_signatures_begins_at_the_anchor(server: str) -> None:
    with open("/var/lib/email-engine-lab/dnssec/root.ds", encoding="ascii") as file:
        anchor = dns.rrset.from_text(".", 0, "IN", "DS", file.read().split(" DS ")[1].strip())[0]
    trusted = anchor
    for zone, where in ((".", "198.18.0.52"), ("test.", server)):
        keys, signature = signed(zone, "DNSKEY", where)
        digest = dns.dnssec.make_ds(zone, keys[0], trusted.digest_type)
        assert digest.to_text() == trusted.to_text()
        dns.dnssec.validate(keys, signature, {dns.name.from_text(zone): keys})
        if zone == ".":
            below, signature = signed("test.", "DS", where)
            dns.dnssec.validate(below, signature, {dns.name.root: keys})
            trusted = next(one for one in below if one.digest_type == anchor.digest_type)
    text, signature = signed("signed.test.", "TXT", server)
    dns.dnssec.validate(text, signature, {dns.name.from_text("test."): keys})


def test_a_secondary_stays_behind_and_follows_again() -> None:
    name = f"t{secrets.token_hex(6)}.ulixai.test."
    say("secondary", "hold")
    try:
        assert client.update("ulixai.test", ("add", name, 60, "TXT", '"new"'), follow=False) == "NOERROR"
        time.sleep(2)
        assert client.resolve(name, "TXT", client.PRIMARY) == ['"new"']
        assert client.resolve(name, "TXT", client.SECONDARY) == []
    finally:
        say("secondary", "follow")
    client.followed("ulixai.test", within=15)
    assert client.resolve(name, "TXT", client.SECONDARY) == ['"new"']
    client.update("ulixai.test", ("delete", name))
