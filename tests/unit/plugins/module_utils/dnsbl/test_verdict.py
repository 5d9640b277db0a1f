# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each answer of each list means: a truth table, and what holds for every answer there could be."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils import dns_trouble
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.answers import (
    FOUND,
    NODATA,
    NXDOMAIN,
    UNKNOWN,
    Answer,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl import verdict
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.catalogue import LISTS
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.lists import chosen
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.verdict import judge_list, read

KEYS = {"dqs": "abcdefghijklmnopqrstuvwxyz", "abusix": "0123456789abcdef"}
CATALOGUE = {one.name: one for one in chosen(list(LISTS), KEYS)}


def found(*values: str) -> Answer:
    return Answer(FOUND, tuple(sorted(values)))


TIMEOUT = Answer(UNKNOWN, why=dns_trouble.TIMEOUT, detail="no answer in time")
SERVFAIL = Answer(UNKNOWN, why=dns_trouble.SERVFAIL, detail="SERVFAIL")
REFUSED = Answer(UNKNOWN, why=dns_trouble.REFUSED, detail="REFUSED")

# (list, answer): (verdict, severity, codes, whether the list does not want to be asked)
TABLE = {
    ("zen", Answer(NXDOMAIN)): ("clean", None, (), False),
    ("zen", found("127.0.0.2")): ("listed", "critical", ("127.0.0.2",), False),
    ("zen", found("127.0.0.3")): ("listed", "critical", ("127.0.0.3",), False),
    ("zen", found("127.0.0.4")): ("listed", "critical", ("127.0.0.4",), False),
    ("zen", found("127.0.0.30")): ("listed", "critical", ("127.0.0.30",), False),
    ("zen", found("127.0.0.9", "127.0.0.2")): ("listed", "critical", ("127.0.0.2", "127.0.0.9"), False),
    ("zen", found("127.0.0.10")): ("listed", "configuration", ("127.0.0.10",), False),
    ("zen", found("127.0.0.11")): ("listed", "configuration", ("127.0.0.11",), False),
    ("zen", found("127.0.0.11", "127.0.0.4")): ("listed", "critical", ("127.0.0.4", "127.0.0.11"), False),
    ("zen", found("127.0.0.5")): ("unknown", None, (), False),
    ("zen", found("127.0.0.2", "127.0.0.99")): ("unknown", None, (), False),
    ("zen", found("127.0.0.2", "203.0.113.9")): ("unknown", None, (), False),
    ("zen", found("127.0.0.1")): ("unknown", None, (), True),
    ("zen", found("127.255.255.252")): ("unknown", None, (), True),
    ("zen", found("127.255.255.254")): ("unknown", None, (), True),
    ("zen", found("127.255.255.255")): ("unknown", None, (), True),
    ("zen", found("127.255.255.250")): ("unknown", None, (), True),
    ("zen", found("127.255.255.251")): ("unknown", None, (), True),
    ("zen", found("127.255.255.7")): ("unknown", None, (), True),
    ("zen", found("127.0.0.2", "127.255.255.254")): ("unknown", None, (), True),
    ("zen", found("203.0.113.9")): ("unknown", None, (), False),
    ("zen", Answer(NODATA)): ("unknown", None, (), False),
    ("zen", TIMEOUT): ("unknown", None, (), False),
    ("zen", SERVFAIL): ("unknown", None, (), False),
    ("zen", REFUSED): ("unknown", None, (), True),
    ("zen", Answer(NXDOMAIN, aliases=("gone.example",))): ("unknown", None, (), False),
    ("dbl", found("127.0.1.2")): ("listed", "critical", ("127.0.1.2",), False),
    ("dbl", found("127.0.1.106")): ("listed", "critical", ("127.0.1.106",), False),
    ("dbl", found("127.0.1.255")): ("unknown", None, (), True),
    ("dbl", found("127.0.0.2")): ("unknown", None, (), False),
    ("zrd", found("127.0.2.24")): ("listed", "information", ("127.0.2.24",), False),
    ("abusix", found("127.0.0.11")): ("listed", "configuration", ("127.0.0.11",), False),
    ("abusix", found("127.0.0.12", "127.0.0.2")): ("listed", "major", ("127.0.0.2", "127.0.0.12"), False),
    ("abusix", found("127.0.0.200")): ("listed", "major", ("127.0.0.200",), False),
    ("spamcop", found("127.0.0.2")): ("listed", "major", ("127.0.0.2",), False),
    ("spamcop", found("127.0.0.3")): ("unknown", None, (), False),
    ("barracuda", found("127.0.0.2")): ("listed", "major", ("127.0.0.2",), False),
    ("psbl", found("127.0.0.2")): ("listed", "minor", ("127.0.0.2",), False),
    ("mailspike", found("127.0.0.12")): ("listed", "minor", ("127.0.0.12",), False),
    ("mailspike", found("127.0.0.2", "127.0.0.12")): ("listed", "major", ("127.0.0.2", "127.0.0.12"), False),
    ("uceprotect1", found("127.0.0.2")): ("listed", "minor", ("127.0.0.2",), False),
    ("uceprotect2", found("127.0.0.2")): ("listed", "information", ("127.0.0.2",), False),
    ("uceprotect3", found("127.0.0.2")): ("listed", "information", ("127.0.0.2",), False),
    ("dronebl", found("127.0.0.13")): ("listed", "major", ("127.0.0.13",), False),
    ("spamrats", found("127.0.0.37")): ("listed", "configuration", ("127.0.0.37",), False),
    ("spamrats", found("127.0.0.38")): ("listed", "minor", ("127.0.0.38",), False),
    ("spamrats", found("127.0.0.2")): ("unknown", None, (), False),
    ("surbl", found("127.0.0.8")): ("listed", "critical", ("8",), False),
    ("surbl", found("127.0.0.80")): ("listed", "critical", ("16", "64"), False),
    ("surbl", found("127.0.0.64")): ("listed", "major", ("64",), False),
    ("surbl", found("127.0.0.2")): ("unknown", None, (), False),
    ("surbl", found("127.0.0.0")): ("unknown", None, (), False),
    ("surbl", found("127.0.1.8")): ("unknown", None, (), False),
    ("uribl", found("127.0.0.1")): ("unknown", None, (), True),
    ("uribl", found("127.0.0.3")): ("unknown", None, (), True),
    ("uribl", found("127.0.0.2")): ("listed", "major", ("2",), False),
    ("uribl", found("127.0.0.14")): ("listed", "major", ("2", "4", "8"), False),
    ("uribl", found("127.0.0.16")): ("unknown", None, (), False),
}


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"{case[0]}-{case[1].state}-{'+'.join(case[1].values)}")
def test_the_truth_table(case):
    name, answer = case
    seen = read(CATALOGUE[name], answer)
    assert (seen.verdict, seen.severity, seen.codes, seen.refused) == TABLE[case]
    # Whoever reads it learns what it means, or why it means nothing.
    assert bool(seen.meaning) == (seen.verdict == "listed")
    assert bool(seen.detail) == (seen.verdict == "unknown")


def test_every_documented_code_lists_by_itself():
    for one in CATALOGUE.values():
        for code, (severity, meaning) in one.codes.items():
            seen = read(one, found(code))
            assert (seen.verdict, seen.codes, seen.severity, seen.meaning) == ("listed", (code,), severity, meaning)
        for bit, (severity, _meaning) in one.bits.items():
            seen = read(one, found(f"127.0.0.{bit}"))
            assert (seen.verdict, seen.codes, seen.severity) == ("listed", (str(bit),), severity)


LIST = st.sampled_from(sorted(CATALOGUE.values(), key=lambda one: one.name))
ADDRESS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=4, network="127.0.0.0/8").map(str),
    st.ip_addresses(v=4, network="127.0.0.0/22").map(str),
    st.ip_addresses(v=4, network="127.255.255.0/24").map(str),
)
ANSWER = st.builds(
    lambda values: Answer(FOUND, tuple(sorted(values))), st.sets(ADDRESS, min_size=1, max_size=4)
) | st.builds(
    Answer,
    st.sampled_from([NODATA, NXDOMAIN, UNKNOWN]),
    aliases=st.lists(st.just("alias.example"), max_size=2).map(tuple),
    why=st.sampled_from([dns_trouble.TIMEOUT, dns_trouble.SERVFAIL, dns_trouble.REFUSED, dns_trouble.BROKEN, ""]),
    detail=st.sampled_from(["", "no answer in time"]),
)
LOOPBACK, CONTROL = ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("127.255.255.0/24")


@given(LIST, ANSWER)
def test_only_documented_answers_list_and_only_nxdomain_clears(one, answer):
    seen = read(one, answer)
    if seen.verdict == "clean":
        assert (answer.state, answer.values, answer.aliases) == (NXDOMAIN, (), ())
    if seen.verdict == "listed":
        addresses = [ipaddress.ip_address(value) for value in answer.values]
        assert answer.state == FOUND
        assert all(address in LOOPBACK and address not in CONTROL for address in addresses)
        assert "127.0.0.1" not in answer.values
        assert not set(answer.values) & set(one.errors)
        assert seen.codes and seen.severity and seen.meaning
    if seen.refused:
        assert seen.verdict == "unknown"
    # Every answer that does not exist or is found in full is one of the three, never an exception.
    assert seen.verdict in ("listed", "clean", "unknown")


@given(LIST, ANSWER, ANSWER, ANSWER)
def test_a_list_is_healthy_only_by_its_three_test_points(one, listed, clean, fresh):
    health = judge_list(one, listed, clean, fresh)
    if health.state == verdict.HEALTHY:
        assert listed.state == FOUND
        assert all(ipaddress.ip_address(value) in LOOPBACK for value in listed.values)
        assert (clean.state, fresh.state) == (NXDOMAIN, NXDOMAIN)
        assert not clean.aliases and not fresh.aliases
    else:
        assert health.detail


GOOD, NOT = found("127.0.0.2"), Answer(NXDOMAIN)


@pytest.mark.parametrize(
    ("listed", "clean", "fresh", "state", "words"),
    [
        (GOOD, NOT, NOT, "healthy", None),
        (found("127.0.0.2", "127.0.0.4", "127.0.0.10"), NOT, NOT, "healthy", None),
        (NOT, NOT, NOT, "failed", "does not list its test point"),
        (GOOD, GOOD, NOT, "failed", "it would list everybody"),
        # A cache still knows that 127.0.0.1 is not listed; the list lists everybody since.
        (GOOD, NOT, GOOD, "failed", "it would list everybody"),
        (found("203.0.113.9"), found("203.0.113.9"), found("203.0.113.9"), "failed", "somebody else answers"),
        (GOOD, Answer(NODATA), NOT, "failed", "does not say"),
        (Answer(NODATA), NOT, NOT, "failed", "does not list"),
        (TIMEOUT, TIMEOUT, TIMEOUT, "unknown", "no answer in time"),
        (GOOD, TIMEOUT, NOT, "unknown", "no answer in time"),
        (GOOD, NOT, SERVFAIL, "unknown", "SERVFAIL"),
        (REFUSED, REFUSED, REFUSED, "blind", "REFUSED"),
        (found("127.255.255.254"), found("127.255.255.254"), NOT, "blind", "public or open resolver"),
        (found("127.0.0.1"), NOT, NOT, "blind", "refuses"),
        (GOOD, found("127.0.0.1"), NOT, "blind", "refuses"),
        (GOOD, NOT, found("127.255.255.255"), "blind", "too often"),
    ],
)
def test_the_health_of_a_list(listed, clean, fresh, state, words):
    health = judge_list(CATALOGUE["zen"], listed, clean, fresh)
    assert health.state == state
    assert words is None or words in health.detail


def test_the_key_of_a_list_is_in_no_text():
    """Servers repeat the question in what they add to a SERVFAIL (RFC 8914)."""
    one, key = CATALOGUE["zen"], KEYS["dqs"]
    assert key in one.zone
    told = Answer(UNKNOWN, why=dns_trouble.SERVFAIL, detail=f"SERVFAIL (no servers for 1.2.0.192.{key.upper()}.zen.dq)")
    alias = Answer(NXDOMAIN, aliases=(f"x.{key}.example",))
    texts = [
        repr(one),
        str(one),
        read(one, told).detail,
        read(one, alias).detail,
        repr(judge_list(one, told, NOT, NOT)),
    ]
    assert all(key not in text.lower() for text in texts)
    assert "KEY" in texts[2]
