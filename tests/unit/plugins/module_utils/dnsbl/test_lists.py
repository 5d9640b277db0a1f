# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue itself, what an inventory may change of it, and what it is told when that cannot be used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_text import is_name
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl import names
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.catalogue import DEAD, LISTS, SEVERITIES
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.lists import chosen, dead_list, faults_of
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.targets import controls_of, senders_of
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

KEYS = {"dqs": "abcdefghijklmnopqrstuvwxyz", "abusix": "0123456789abcdef"}
OWN = {"zone": "bl.operator.example", "kind": "ip", "codes": {"127.0.0.2": ["minor", "seen"]}}


def by_name(*arguments) -> dict:
    return {one.name: one for one in chosen(*arguments)}


@pytest.mark.parametrize("name", LISTS)
def test_every_entry_is_complete(name):
    entry = LISTS[name]
    assert faults_of(name, entry) == []
    for field in ("licence", "rate", "source", "delist", "weight", "asked"):
        assert field in entry
    assert entry["source"].startswith("https://")
    assert not dead_list(name)


def test_severities_that_are_no_reputation():
    for name, code in (
        ("zen", "127.0.0.10"),
        ("zen", "127.0.0.11"),
        ("abusix", "127.0.0.11"),
        ("abusix", "127.0.0.12"),
    ):
        assert LISTS[name]["codes"][code][0] == "configuration"
    for name in ("uceprotect2", "uceprotect3", "zrd"):
        assert {severity for severity, _meaning in LISTS[name]["codes"].values()} == {"information"}
    assert {one.severity for one in chosen(list(LISTS), KEYS)} <= set(SEVERITIES) - {"configuration"}


def test_what_is_asked_by_default():
    without = by_name()
    assert {
        "zen",
        "dbl",
        "spamcop",
        "barracuda",
        "psbl",
        "mailspike",
        "uceprotect1",
        "dronebl",
        "surbl",
        "uribl",
    } <= set(without)
    assert {"zrd", "abusix"} & set(without) == set()
    assert without["zen"].zone == without["zen"].shown_zone == "zen.spamhaus.org"
    keyed = by_name(None, KEYS)
    assert {"zrd", "abusix"} <= set(keyed)
    assert keyed["zen"].zone == f"{KEYS['dqs']}.zen.dq.spamhaus.net"
    assert keyed["zen"].shown_zone == "zen.dq.spamhaus.net"
    # Those that matter most come first.
    assert [one.name for one in chosen()][:2] == ["zen", "dbl"]


def test_changes_reach_single_codes():
    one = by_name(["zen"], {}, {"zen": {"codes": {"127.0.0.30": None, "127.0.0.99": ["minor", "new"]}, "weight": 1}})[
        "zen"
    ]
    assert "127.0.0.30" not in one.codes
    assert one.codes["127.0.0.99"] == ("minor", "new")
    assert one.codes["127.0.0.2"][0] == "critical"
    assert "uceprotect3" not in by_name(None, {}, {"uceprotect3": None})
    assert "own" in by_name(None, {}, {"own": OWN})
    assert LISTS["zen"]["weight"] == 100  # the catalogue itself stays
    # YAML reads a bit as a number.
    assert by_name(["surbl"], {}, {"surbl": {"bits": {2: ["minor", "new"]}}})["surbl"].bits[2] == ("minor", "new")


BAD = {
    "unknown": ((["zne"],), "lists: zne", "is not in the catalogue"),
    "zone for name": ((["zen.spamhaus.org"],), "lists: zen.spamhaus.org", "Write zen"),
    "dead": ((["sorbs"],), "lists: sorbs", "dead (2024-06-05)"),
    "dead by zone": ((["dnsbl.sorbs.net"],), "lists: dnsbl.sorbs.net", "sorbs is dead"),
    "dead by change": (
        (None, {}, {"own": {**OWN, "zone": "ix.dnsbl.manitu.net"}}),
        "changes.own.zone",
        "nixspam is dead",
    ),
    "no list": (([],), "lists", "no list is named"),
    "key missing": ((["abusix"],), "lists: abusix", "the key abusix is not given"),
    "key of nobody": ((None, {"dsq": "abcdefghijkl"}), "keys.dsq", "abusix, dqs"),
    "key with zone": ((None, {"dqs": "abcdefghijkl.zen.dq.spamhaus.net"}), "keys.dqs", "8 to 63"),
    "key is a number": ((None, {"dqs": 12345678}), "keys.dqs", "in quotes"),
    "key of a list is no text": (
        (None, {}, {"abusix": {"key": ["x"], "zone": "a.example"}}),
        "changes.abusix.key",
        "not a text",
    ),
    "listing and error": ((None, {}, {"zen": {"errors": {"127.0.0.2": "x"}}}), "errors.127.0.0.2", "never both"),
    "bit and error": ((None, {}, {"surbl": {"error_bits": {8: "x"}}}), "error_bits.8", "never both"),
    "no codes": ((None, {}, {"own": {"zone": "bl.example", "kind": "ip"}}), "changes.own.codes", "no answer"),
    "codes taken away": ((["zen"], {}, {"zen": {"codes": None}}), "changes.zen.codes", "no answer"),
    "codes and bits": ((None, {}, {"own": {**OWN, "bits": {2: ["minor", "x"]}}}), "changes.own.bits", "both"),
    "bit 1": ((None, {}, {"own": {"zone": "a.example", "kind": "ip", "bits": {1: ["minor", "x"]}}}), "bits.1", "never"),
    "bit 3": (
        (None, {}, {"own": {"zone": "a.example", "kind": "ip", "bits": {3: ["minor", "x"]}}}),
        "bits.3",
        "no bit",
    ),
    "code outside": ((None, {}, {"own": {**OWN, "codes": {"10.0.0.2": ["minor", "x"]}}}), "10.0.0.2", "127.0.0.0/8"),
    "code is error": (
        (None, {}, {"own": {**OWN, "codes": {"127.255.255.9": ["minor", "x"]}}}),
        "127.255.255.9",
        "error",
    ),
    "code is refusal": ((None, {}, {"own": {**OWN, "codes": {"127.0.0.1": ["minor", "x"]}}}), "127.0.0.1", "error"),
    "severity": (
        (None, {}, {"own": {**OWN, "codes": {"127.0.0.2": ["bad", "x"]}}}),
        "codes.127.0.0.2",
        "severities are",
    ),
    "no meaning": (
        (None, {}, {"own": {**OWN, "codes": {"127.0.0.2": "minor"}}}),
        "codes.127.0.0.2",
        "[severity, meaning]",
    ),
    "kind": ((None, {}, {"own": {**OWN, "kind": "mx"}}), "changes.own.kind", "ip or domain"),
    "no zone": ((None, {}, {"own": {"kind": "ip", "codes": OWN["codes"]}}), "changes.own.zone", "is missing"),
    "zone is none": ((None, {}, {"own": {**OWN, "zone": "a..b"}}), "changes.own.zone", "no name of a zone"),
    "field": ((None, {}, {"own": {**OWN, "code": {}}}), "changes.own.code", "is not a field"),
    "weight": ((None, {}, {"own": {**OWN, "weight": 101}}), "changes.own.weight", "0 to 100"),
    "name": ((None, {}, {"Own List": OWN}), "changes.Own List", "no name for a list"),
    "not a dictionary": ((None, {}, {"own": "bl.example"}), "changes.own", "not a dictionary"),
    "removes nothing": ((None, {}, {"own": None}), "changes.own", "does not have"),
    "keyed without key": ((None, {}, {"own": {**OWN, "keyed_zone": "{key}.a.example"}}), "changes.own.key", "both"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_named(case):
    arguments, where, words = BAD[case]
    with pytest.raises(FleetError) as error:
        chosen(*arguments)
    [problem] = error.value.problems
    assert where in problem.where
    assert words in str(problem)
    assert problem.remedy


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(FleetError) as error:
        chosen(["zne", "sorbs"], {"dqs": "short"}, {"own": {"kind": "x"}})
    assert len(error.value.problems) == 3


@given(st.text(min_size=1, max_size=80))
def test_no_error_shows_a_key(key):
    try:
        found = chosen(None, {"dqs": key})
    except FleetError as error:
        told = str(error)
    else:
        told = repr(found) + "".join(one.shown_zone for one in found)
    if len(key) > 12:
        assert key.lower() not in told.lower()


@pytest.mark.parametrize("name", DEAD)
def test_the_dead_are_known_by_name_and_by_zone(name):
    zones, _when, _why = DEAD[name]
    assert dead_list(name)[0] == name
    for zone in zones:
        assert dead_list(f"sub.{zone}.")[0] == name


# --- Names ------------------------------------------------------------------------------------------------------------

ALL = by_name(list(LISTS), KEYS)


def test_names_that_are_asked():
    zen, dbl = by_name()["zen"], by_name()["dbl"]
    assert names.query_name(zen, "192.0.2.99") == "99.2.0.192.zen.spamhaus.org"
    # RFC 5782 2.4's own example.
    assert names.query_name(zen, "2001:db8:1:2:3:4:567:89ab") == (
        "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.zen.spamhaus.org"
    )
    assert names.query_name(zen, names.IPV6_LISTED).startswith("2.0.0.0.0.0.f.7.f.f.f.f.0.")
    assert names.query_name(dbl, "Mail.Example.COM.") == "mail.example.com.dbl.spamhaus.org"


def test_domains_in_one_spelling():
    assert names.plain_domain("Bücher.Example.") == "xn--bcher-kva.example"
    assert names.plain_domain("xn--bcher-kva.example") == "xn--bcher-kva.example"
    longest = "a" * 63 + ".example"
    assert names.plain_domain(longest) == longest
    for bad in (
        "a" * 64 + ".example",
        "",
        "a..b",
        "-a.example",
        "a b.example",
        "ü" * 60 + ".example",
        "192.0.2.1",
        "a" * 254,
    ):
        with pytest.raises(ValueError):
            names.plain_domain(bad)
    assert names.domains_of("mail1.news.example.com") == ["mail1.news.example.com", "news.example.com", "example.com"]
    assert names.domains_of("example") == ["example"]


def test_a_name_too_long_for_a_zone_is_told():
    domain = ".".join(["a" * 60] * 4)
    assert len(domain) == 243
    with pytest.raises(ValueError, match="too long"):
        names.query_name(ALL["dbl"], domain)
    try:
        names.query_name(ALL["dbl"], domain)
    except ValueError as error:
        assert KEYS["dqs"] not in str(error)


@given(st.sampled_from(sorted(ALL.values(), key=lambda one: one.name)), st.ip_addresses().map(str))
def test_every_address_has_one_name(one, address):
    if one.takes(address):
        name = names.query_name(one, address)
        assert is_name(name)
        assert name.endswith(f".{one.zone}")


def test_lists_take_what_they_list():
    assert ALL["zen"].takes("2001:db8::1") and ALL["zen"].takes("192.0.2.1") and not ALL["zen"].takes("example.com")
    assert not ALL["spamcop"].takes("2001:db8::1")
    assert ALL["dbl"].takes("example.com") and not ALL["dbl"].takes("192.0.2.1")


# --- Targets ----------------------------------------------------------------------------------------------------------


def sender(**changes) -> dict:
    return {
        "name": "m1",
        "ip": "192.0.2.1",
        "domain": "m1.example.com",
        "from_email": "news@Example.com",
        "hostname": "m1.example.com",
        "status": "active",
        **changes,
    }


def test_a_sender_is_asked_about_by_address_and_domains():
    [one] = senders_of({"senders": [sender(), sender(name="gone", status="retired")]})
    assert one.targets == ("192.0.2.1", "m1.example.com", "example.com")
    assert senders_of({"senders": [sender(ip="2001:DB8::1")]}, ["m1"])[0].targets[0] == "2001:db8::1"


@pytest.mark.parametrize(
    ("document", "chosen_names", "words"),
    [
        ({}, None, "has no list of senders"),
        ({"senders": [{"name": "m1"}]}, None, "lacks ip, domain, status"),
        ({"senders": [sender()]}, ["m2"], "has no sender m2"),
        ({"senders": [sender(ip="192.0.2.300")]}, None, "192.0.2.300"),
        ({"senders": [sender(domain="a" * 64 + ".example")]}, None, "is no domain"),
    ],
)
def test_documents_that_cannot_be_used(document, chosen_names, words):
    with pytest.raises(FleetError, match=words):
        senders_of(document, chosen_names)


def test_controls():
    assert controls_of(["192.0.2.9", "Example.COM", "192.0.2.9"]) == ["192.0.2.9", "example.com"]
    with pytest.raises(FleetError, match=r"controls\[1\]"):
        controls_of(["192.0.2.9", "a..b"])
