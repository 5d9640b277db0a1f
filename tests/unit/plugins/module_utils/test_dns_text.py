# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and values as text; dnspython and ipaddress are the judges."""

from __future__ import annotations

import ipaddress

import dns.name
import dns.rdata
import dns.reversename
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils import dns_text

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=1200)
labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=5).map(".".join)


@given(texts)
@example("x" * 256)
@example("é" * 128)
@example("x" * 255)
def test_pieces_join_to_the_value_and_each_fits(value):
    pieces = dns_text.split_txt(value)
    assert "".join(pieces) == value
    assert all(len(piece.encode()) <= 255 for piece in pieces)
    # No more strings than needed: a cut leaves less room than one more character (at most four bytes).
    assert all(len(piece.encode()) > 251 for piece in pieces[:-1])


@given(texts)
def test_dnspython_reads_a_printed_value_back(value):
    rdata = dns.rdata.from_text("IN", "TXT", dns_text.quote_txt(value))
    assert b"".join(rdata.strings) == value.encode()


@given(st.binary(max_size=600))
def test_bytes_that_are_no_text_survive(raw):
    value = raw.decode("utf-8", "surrogateescape")
    rdata = dns.rdata.from_text("IN", "TXT", dns_text.quote_txt(value))
    assert b"".join(rdata.strings) == raw


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_reverse_names_agree_with_dnspython(address):
    assume(getattr(address, "ipv4_mapped", None) is None)  # dnspython takes those for IPv4
    name = dns_text.reverse_name(str(address))
    assert dns.name.from_text(name) == dns.reversename.from_address(str(address))
    assert dns_text.is_name(name)


@given(names, st.lists(names, max_size=6))
def test_the_longest_suffix_is_what_a_search_finds(name, suffixes):
    fitting = [suffix for suffix in suffixes if dns_text.is_under(name, suffix)]
    assert dns_text.longest_suffix(name, set(suffixes)) == (max(fitting, key=len) if fitting else None)


@given(names, names)
def test_under_means_what_dnspython_means(one, other):
    expected = dns.name.from_text(one).is_subdomain(dns.name.from_text(other))
    assert dns_text.is_under(one, other) == expected


@pytest.mark.parametrize(
    ("rtype", "given_text", "plain"),
    [
        ("A", " 192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
        ("MX", "010 Mail.Example.COM", "10 mail.example.com."),
        ("PTR", "Mail.Example.com.", "mail.example.com."),
        ("TXT", "V=Spf1 x ", "V=Spf1 x "),
    ],
)
def test_values_have_one_spelling(rtype, given_text, plain):
    assert dns_text.plain_value(rtype, given_text) == plain
    assert dns_text.plain_value(rtype, plain) == plain


@pytest.mark.parametrize(
    ("rtype", "value"), [("A", "192.0.2.256"), ("A", "::1"), ("AAAA", "192.0.2.1"), ("MX", "mail"), ("MX", "70000 m.")]
)
def test_values_of_another_kind_are_refused(rtype, value):
    with pytest.raises(ValueError):
        dns_text.plain_value(rtype, value)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("mail1.example.com", True),
        ("_dmarc.example.com", True),
        ("1.0-63.0.19.198.in-addr.arpa", True),
        ("1.0/26.0.19.198.in-addr.arpa", True),
        ("a/b.example.com", False),
        ("", False),
        ("a..b", False),
        ("-a.example.com", False),
        ("a" * 64 + ".com", False),
        (".".join(["a" * 60] * 5), False),
        ("bücher.example", False),
        ("a b.example", False),
    ],
)
def test_what_is_a_name(name, good):
    assert dns_text.is_name(name) is good


@given(st.one_of(st.ip_addresses(v=4)))
def test_addresses_are_canonical(address):
    assert ipaddress.ip_address(dns_text.plain_value("A", str(address))) == address
