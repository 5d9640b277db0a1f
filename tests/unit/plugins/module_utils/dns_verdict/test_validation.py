# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a resolver validates, and what a broken chain is to an edge: truth tables."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict import edges, validation
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.answers import (
    BOGUS,
    FOUND,
    NODATA,
    NXDOMAIN,
    UNKNOWN,
    Answer,
    Blind,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.edges import Edge, View, combine

SOA = Answer(FOUND, ("whole.test",))
SERVFAIL = Answer(UNKNOWN, why="servfail", detail="SERVFAIL")
TIMEOUT = Answer(UNKNOWN, why="timeout", detail="it does not answer")
REFUSED = Answer(UNKNOWN, why="refused", detail="REFUSED")


@pytest.mark.parametrize(
    ("vouched", "authentic", "refused", "verdict", "words"),
    [
        (SOA, True, SERVFAIL, "yes", ""),
        (Answer(NODATA), True, SERVFAIL, "yes", ""),
        (SOA, False, SERVFAIL, "no", "no AD"),
        (SOA, False, SOA, "no", "no AD"),
        (SOA, True, SOA, "no", "answers for broken.test"),
        (SOA, True, Answer(NODATA), "unknown", "does not exist here"),
        (SOA, True, Answer(NXDOMAIN), "unknown", "does not exist here"),
        (SOA, True, TIMEOUT, "unknown", "does not answer"),
        (SOA, True, REFUSED, "unknown", "REFUSED"),
        (SERVFAIL, False, SERVFAIL, "unknown", "no answer for whole.test"),
        (TIMEOUT, False, SERVFAIL, "unknown", "no answer for whole.test"),
        (REFUSED, False, SOA, "unknown", "REFUSED"),
    ],
)
def test_a_resolver_validates_when_it_vouches_and_refuses(vouched, authentic, refused, verdict, words):
    found = validation.judge("resolver 192.0.2.53", "whole.test", vouched, authentic, "broken.test", refused)
    assert (found.validating, words in found.why) == (verdict, True), found
    assert bool(found.remedy) == bool(found.why) == (verdict != "yes")


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (["yes"], "yes"),
        (["yes", "no"], "no"),
        (["unknown", "no"], "no"),
        (["yes", "unknown"], "unknown"),
        ([], "unknown"),
    ],
)
def test_one_that_does_not_makes_the_whole(verdicts, whole):
    found = [validation.Validation(f"r{n}", verdict, "x", "y") for n, verdict in enumerate(verdicts)]
    told = validation.together(found)
    assert told["validating"] == whole
    assert len(validation.lines(told)) == 2 * sum(verdict != "yes" for verdict in verdicts)


def test_a_broken_chain_is_wrong_and_no_stale_cache():
    """Every server of the zone has it right, and still the resolver is not said to be late."""
    error = Blind("mail.test", "MX", Answer(UNKNOWN, why=BOGUS, detail="SERVFAIL"))
    broken = edges.blind("mail.test MX 10 host.", error)
    assert broken.verdict == "wrong" and "DNSSEC" in broken.found
    views = [View("ns1", True, Edge("ok")), View("ns2", True, Edge("ok")), View("resolver", False, broken)]
    edge = combine(views)
    assert (edge.verdict, edge.server) == ("wrong", "resolver") and "DS at the parent" in edge.remedy


def test_a_servfail_alone_is_unknown():
    assert edges.blind("x", Blind("mail.test", "MX", SERVFAIL)).verdict == "unknown"
