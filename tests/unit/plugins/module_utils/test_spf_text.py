# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF texts authorise exactly the addresses given; pyspf and checkdmarc are the judges."""

from __future__ import annotations

import ipaddress
import random

import checkdmarc.spf
import pytest
import spf
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils import spf_text

DOMAIN = "example.com"
BASE = int(ipaddress.ip_address("198.19.0.0"))


def address(number: int) -> str:
    return str(ipaddress.ip_address(BASE + number))


def verdict(texts: dict[str, str], ip: str) -> str:
    """What a receiver with pyspf says, these texts being all there is in DNS."""
    query = spf.query(i=ip, s=f"x@{DOMAIN}", h=DOMAIN, strict=2)
    query.dns = lambda name, qtype, cnames=None, ignore_void=False: (
        [(texts[name.lower()].encode(),)] if qtype == "TXT" and name.lower() in texts else []
    )
    return query.check()[0]


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 600), min_size=1, max_size=150), st.integers(0, 600))
def test_exactly_the_given_addresses_pass(numbers, probe):
    texts = spf_text.spf_texts(DOMAIN, [address(number) for number in numbers])
    for number in {probe, *random.Random(0).sample(sorted(numbers), min(3, len(numbers)))}:
        assert verdict(texts, address(number)) == ("pass" if number in numbers else "fail")


# Scattered addresses, and runs of neighbours.
numbers_of_a_pool = st.one_of(
    st.sets(st.integers(0, 65535), min_size=1, max_size=200),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 120)), min_size=1, max_size=6).map(
        lambda runs: {number for first, length in runs for number in range(first, first + length)}
    ),
)


@settings(max_examples=100, deadline=None)
@given(numbers_of_a_pool)
def test_every_text_fits_and_parses(numbers):
    texts = spf_text.spf_texts(DOMAIN, [address(number) for number in numbers])
    assert all(len(text) <= spf_text.TEXT_LIMIT for text in texts.values())
    covered = [term[4:] for text in texts.values() for term in text.split() if term.startswith("ip4:")]
    hosts = [int(host) - BASE for term in covered for host in ipaddress.ip_network(term)]
    assert sorted(hosts) == sorted(numbers)
    assert list(texts)[0] == DOMAIN
    assert all(text.startswith("v=spf1 ") and text.endswith(" -all") for text in texts.values())


def test_the_shape_changes_with_the_size():
    few = spf_text.spf_texts(DOMAIN, [address(n) for n in range(1, 11)])
    assert few == {DOMAIN: "v=spf1 " + " ".join(f"ip4:198.19.0.{n}" for n in range(1, 11)) + " -all"}
    hundred = spf_text.spf_texts(DOMAIN, [address(n) for n in range(1, 101)])
    assert list(hundred) == [DOMAIN] and "ip4:198.19.0.32/27" in hundred[DOMAIN]
    scattered = spf_text.spf_texts(DOMAIN, [address(n) for n in range(0, 200, 2)])
    assert list(scattered) == [DOMAIN, *(f"_spf{n}.{DOMAIN}" for n in range(1, len(scattered)))] and len(scattered) > 3


def test_too_many_scattered_addresses_are_refused():
    with pytest.raises(ValueError, match="SPF allows 10 queries"):
        spf_text.spf_texts(DOMAIN, [address(n) for n in range(0, 1000, 2)])
    with pytest.raises(ValueError, match="SPF allows 10 queries"):
        mechanisms = [f"include:spf{n}.example.net" for n in range(9)]
        spf_text.spf_texts(DOMAIN, [address(n) for n in range(0, 200, 2)], mechanisms)


def test_ipv6_and_the_owners_mechanisms():
    text = spf_text.spf_texts(DOMAIN, ["2001:DB8::1", "192.0.2.1"], ["include:_spf.example.net"])[DOMAIN]
    assert text == "v=spf1 include:_spf.example.net ip4:192.0.2.1 ip6:2001:db8::1 -all"
    assert spf_text.lookups(text.split()[1:]) == 1


def test_checkdmarc_finds_nothing_to_say():
    text = spf_text.spf_texts(DOMAIN, [address(n) for n in range(1, 101)])[DOMAIN]
    parsed = checkdmarc.spf.parse_spf_record(text, DOMAIN)
    assert parsed["dns_lookups"] == 0 and parsed["warnings"] == []


@pytest.mark.parametrize(
    ("mechanisms", "count"),
    [
        (["a"], 1),
        (["mx:x.y", "exists:%{i}.x"], 2),
        (["ip4:1.2.3.4", "all", "ap"], 0),
        (["?include:x", "redirect=y"], 2),
    ],
)
def test_which_terms_cost_a_query(mechanisms, count):
    assert spf_text.lookups(mechanisms) == count


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("v=spf1 ip4:192.0.2.1 ~all", []),
        ("v=spf1 include:_spf2.example.com -all", []),
        ("v=spf1 include:_spf.google.com a ~all", ["include:_spf.google.com", "a"]),
        ("v=spf1 include:kept.example.net -all", []),
        ("v=spf1 redirect=elsewhere.test", ["redirect=elsewhere.test"]),
    ],
)
def test_what_somebody_else_had_there(value, found):
    assert spf_text.foreign_terms(value, "v=spf1 include:kept.example.net ip4:1.2.3.4 -all", DOMAIN) == found
