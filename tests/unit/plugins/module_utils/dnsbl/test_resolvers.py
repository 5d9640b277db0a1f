# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resolvers lists may be asked through."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils import dns_trouble
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.answers import (
    FOUND,
    NODATA,
    NXDOMAIN,
    UNKNOWN,
    Answer,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.resolvers import (
    PUBLIC,
    Resolver,
    is_public,
    judge,
    operator_of,
)

NONE = Answer(NXDOMAIN)
SILENT = Answer(UNKNOWN, why=dns_trouble.TIMEOUT, detail="no answer in time")
OWN = "198.51.100.7"  # documentation addresses are not global, so these stand for translated ones
PUBLIC_OWN = "45.33.32.156"


def said(*values: str) -> Answer:
    return Answer(FOUND, values)


@pytest.mark.parametrize(
    ("address", "operator"),
    [
        ("8.8.8.8", "Google Public DNS"),
        ("1.1.1.1", "Cloudflare"),
        ("1.0.0.3", "Cloudflare"),
        ("9.9.9.9", "Quad9"),
        ("208.67.222.222", "OpenDNS"),
        ("208.67.220.220", "OpenDNS"),
        ("2001:4860:4860::8888", "Google Public DNS"),
        ("2606:4700:4700::1111", "Cloudflare"),
        ("2620:fe::fe", "Quad9"),
        ("4.2.2.2", "Level 3"),
        ("94.140.14.14", "AdGuard DNS"),
        ("127.0.0.1", None),
        ("192.0.2.53", None),
        ("8.8.8.9", None),
    ],
)
def test_public_resolvers_are_known_by_address(address, operator):
    assert operator_of(address) == operator
    known = is_public(address)
    assert (known is None) == (operator is None)
    if operator:
        assert not known.fit
        assert operator in known.reasons[0]


def test_the_table_can_be_read():
    assert all(texts for texts in PUBLIC.values())


# (what it says of a name that cannot exist, of the names that show who asks, own addresses): (fit, words of a reason or note)
TABLE = [
    (NONE, [said("127.0.0.53")], [], True, None),  # it asks from where it is asked
    (NONE, [said(PUBLIC_OWN)], [PUBLIC_OWN], True, None),
    (NONE, [said("172.253.1.2")], [PUBLIC_OWN], False, "Google Public DNS asks for it"),
    (NONE, [Answer(FOUND, ("172.253.1.2", "edns0-client-subnet 192.0.2.0/24"))], [], False, "Google Public DNS asks"),
    (NONE, [said("162.158.3.4")], [], False, "Cloudflare asks for it"),
    (NONE, [said("45.33.32.9")], [PUBLIC_OWN], False, "neither it nor this host"),
    # One name does not answer; the other tells enough.
    (NONE, [SILENT, said("45.33.32.9")], [PUBLIC_OWN], False, "neither it nor this host"),
    # Behind address translation: nothing of this host's is public.
    (NONE, [said("45.33.32.9")], [OWN], True, "cannot be told"),
    (NONE, [said("127.0.0.99")], [OWN], False, "neither it nor this host"),
    (NONE, [SILENT], [], True, "cannot be told"),
    (NONE, [], [], True, "cannot be told"),
    (said("203.0.113.9"), [said("127.0.0.53")], [], False, "invents answers"),
    (Answer(NODATA), [said("127.0.0.53")], [], False, "does not say"),
    (SILENT, [SILENT], [], False, "does not resolve names (no answer in time)"),
]


@pytest.mark.parametrize(("absent", "identities", "own", "fit", "words"), TABLE)
def test_the_fitness_of_a_resolver(absent, identities, own, fit, words):
    found = judge(Resolver("127.0.0.53", absent, tuple(identities)), own)
    assert found.fit is fit
    texts = " ".join((*found.reasons, *found.notes))
    assert words is None or words in texts
    assert bool(found.reasons) != fit


def test_a_public_resolver_is_judged_by_nothing_else():
    assert not judge(Resolver("8.8.8.8", NONE, (said(PUBLIC_OWN),)), [PUBLIC_OWN]).fit
