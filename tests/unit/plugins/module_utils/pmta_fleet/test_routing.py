# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The From patterns: whose message it is, and everything that only looks like it."""

from __future__ import annotations

import email.headerregistry
import email.policy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.routing import from_pattern, relay_pattern

ONE, TWO = "contact@mail1.sos.test", "support@mail2.sos.test"


def matches(header, mailbox=ONE):
    """As PowerMTA matches: unanchored search, case ignored, header value as it stands."""
    pattern = from_pattern([mailbox])
    assert pattern[0] == pattern[-1] == "/" and "#" not in pattern and '"' not in pattern and " " not in pattern
    return re.search(pattern[1:-1].replace("\\/", "/"), header, re.IGNORECASE) is not None


OURS = [
    ONE,
    f"<{ONE}>",
    f" SOS Holidays <{ONE}>\r\n",
    f'"SOS, Holidays" <{ONE}>',
    f'"{TWO}" <{ONE}>',
    f'"<{TWO}>" <{ONE}>',
    f'"a \\" <{TWO}>, b" <{ONE}>',
    f"SOS\r\n Holidays\r\n\t<{ONE}>",
    f"=?utf-8?B?w6l0w6k=?= <{ONE}>",
    f"=?utf-8?Q?support=40mail2=2Esos=2Etest?= <{ONE}>",
    ONE.upper(),
    f"O'Brien & Söhne (Ltd) < {ONE} >",
]
NOT_OURS = [
    "",
    TWO,
    f'"{ONE}" <{TWO}>',
    f"{ONE} <{TWO}>",
    f"{ONE}, {TWO}",
    f"{TWO}, {ONE}",
    f"A <{TWO}>, B <{ONE}>",
    f"A <{ONE}>, B <{TWO}>",
    f"A <{TWO}> <{ONE}>",
    f"Group: {ONE};",
    f"Group: A <{ONE}>;",
    f"x{ONE}",
    f"{ONE}.evil.test",
    f"A <{ONE}.evil.test>",
    ONE.replace("mail1.", "mail1x"),
    f"A <{ONE}> trailing",
    f'"unclosed <{ONE}>',
]


@pytest.mark.parametrize("header", OURS)
def test_exactly_this_sender(header):
    assert matches(header)


@pytest.mark.parametrize("header", NOT_OURS)
def test_nobody_else(header):
    assert not matches(header)


_WORDS = st.text(st.sampled_from('ab ,;:<>@"\\()=?.\t'), max_size=25)


@given(_WORDS, st.sampled_from([ONE, TWO]), _WORDS)
def test_a_match_means_one_address_and_it_is_this_one(before, address, after):
    """The standard library's parser as judge: where the pattern says ours, it never finds another address."""
    header = f"{before}{address}{after}"
    if matches(header):
        try:
            parsed = email.policy.SMTP.header_factory("From", header.replace("\t", " "))
        except (IndexError, ValueError, AttributeError):
            return  # the library's own faults on damaged headers
        found = [a.addr_spec.lower() for a in parsed.addresses if a.domain]
        assert TWO not in found


@given(st.text(st.sampled_from('<>"\\,a '), max_size=400))
def test_long_nonsense_costs_no_time(text):
    matches(text * 20 + ONE)


def test_role_addresses():
    pattern = re.compile(relay_pattern("mail1.sos.test", ["postmaster", "abuse"])[1:-1], re.IGNORECASE)
    assert pattern.search("Postmaster@mail1.sos.test") and pattern.search("abuse@mail1.sos.test")
    for other in ("x-abuse@mail1.sos.test", "abuse@mail1.sos.test.evil", "abuse@mail1xsos.test", "info@mail1.sos.test"):
        assert not pattern.search(other)
