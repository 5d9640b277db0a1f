# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which networks and patterns are too wide to relay for."""

from __future__ import annotations

import ipaddress
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.routing import relay_pattern
from ansible_collections.email_engine.fleet.plugins.module_utils.relaying import (
    _ONE_DOMAIN,
    _STRANGERS,
    address_pattern_fault,
    domain_pattern_fault,
    network_fault,
)


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("0.0.0.0/0", False),
        ("0.0.0.0/1", False),
        ("128.0.0.0/1", False),
        ("10.0.0.0/7", False),
        ("10.0.0.0/8", True),
        ("11.0.0.0/8", False),
        ("172.16.0.0/12", True),
        ("172.0.0.0/8", False),
        ("100.64.0.0/10", True),
        ("198.18.0.0/15", True),
        ("198.18.0.0/14", None),
        ("203.0.0.0/15", False),
        ("203.0.0.0/16", True),
        ("203.0.113.7/32", True),
        ("::/0", False),
        ("2000::/3", False),
        ("2001:db8::/31", False),
        ("2001:db8::/32", True),
        ("fc00::/7", True),
        ("::ffff:0:0/96", False),
        ("::ffff:10.0.0.0/104", True),
        ("::1/128", True),
    ],
)
def test_networks(text, fine):
    network = ipaddress.ip_network(text, strict=False)
    assert (network_fault(network) is None) == bool(fine)


@given(st.integers(0, 2**32 - 1), st.integers(0, 7))
def test_nothing_wider_than_8_is_fine(address, prefix):
    assert network_fault(ipaddress.ip_network((address, prefix), strict=False))


@pytest.mark.parametrize(
    ("pattern", "fine"),
    [
        ("*", False),
        ("*.com", False),
        ("[*.]com", False),
        ("com", True),
        ("a.com", True),
        ("[*.]a.com", True),
        ("*.$tld", True),
        ("$mine", True),
        ("[0/0]", False),
        ("[0.0.0.0/0]", False),
        ("[192.0.2.1]", True),
        ("[10/8]", True),
        ("[IPv6:::/0]", False),
    ],
)
def test_domain_patterns(pattern, fine):
    assert (domain_pattern_fault(pattern) is None) == fine


@pytest.mark.parametrize(
    ("pattern", "fine"),
    [
        ("/./", False),
        ("//", False),
        ("/@/", False),
        ("/.*@.*/", False),
        ("/^POSTMASTER@/", False),
        (r"/\.com$/", False),
        (r"/^abuse@[a-z]+\.com$/", False),
        (r"/^a@b\.test$|@/", False),
        (r"/^(abuse|.*)@a\.b$|x?/", False),
        (r"/@a\.test$/", True),
        (r"/^(postmaster|abuse)@([a-z0-9]+\.)?a\.test$/", True),
        ("/(/", True),
        ("a@b.c", True),
        ("/", True),
    ],
)
def test_address_patterns(pattern, fine):
    assert (address_pattern_fault(pattern) is None) == fine


EVIL = ["/(a+)+(.*)*(.*)*@no$/", "/(.*)*(.*)*(.*)*@no$/", "/(((.+)+)+)+@no$/"]


def test_a_pattern_takes_no_time():
    """Neither the fleet's own form, of which there are thousands, nor one that backtracks."""
    own = [relay_pattern(f"mail-{n}.my-sos.test", ["postmaster", "abuse", "d+c"]) for n in range(5000)]
    assert all(_ONE_DOMAIN.match(pattern[1:-1]) for pattern in own)
    started = time.process_time()
    assert all(
        address_pattern_fault(pattern) is None
        for pattern in [*own, *EVIL, "/^" + "a-" * 5000 + "@" + "b-" * 5000 + "/"]
    )
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("body", "one"),
    [
        ("^bounce@a\\.example$", True),
        ("^(bounce|fbl)\\+.*@a-b\\.example$", True),
        ("^.*@a\\.example$", True),
        ("@a\\.example$", True),
        ("^[a-z|]+@a\\.example$", False),
        ("q|@a\\.example$", False),
        ("^(a|(b))@a\\.example$", False),
        ("@a\\.example$|.", False),
        ("(q|x@a\\.example$", False),
        ("@a.example$", False),
        ("@a\\.example", False),
        ("@a\\.example\\$", False),
    ],
)
def test_a_pattern_that_names_one_domain_needs_no_trial(body, one):
    assert bool(_ONE_DOMAIN.match(body)) == one
    if one:
        assert re.search(body, "q@a.example.com", re.IGNORECASE) is None


@given(st.text("aq@.\\\\|()*+?$^x", max_size=14).map(lambda start: f"{start}@zz\\.example$"))
def test_what_needs_no_trial_matches_nobody_else(body):
    try:
        search = re.compile(body, re.IGNORECASE).search
    except re.error:
        return
    if _ONE_DOMAIN.match(body):
        assert not any(search(stranger) for stranger in _STRANGERS)
