# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM: the record that a verifier will read is the public half of the key that signs (RFC 6376 3.6.1, RFC 8301)."""

from __future__ import annotations

from collections.abc import Iterable

from ..dkim import record_text
from . import edges
from .answers import Answer, Blind, Look, sure
from .edges import MISSING, OK, UNKNOWN, WRONG, Edge, shown
from .facts import Facts
from .identity import alias_of
from .tags import parse_tags

_NO_KEY = "Converge first: the key is made on the MTA host, and published with the next run"
_LOOK = "Bring the host back, mend what is wrong with its keys (the run says what), or converge; then check again"
_REPUBLISH = (
    "Publish the key that signs (site.yml), or sign with the published one; never change a key under its selector"
)


def judge_dkim(facts: Facts, look: Look) -> Edge:
    """One record at the selector, not revoked, equal to the key in the document. An alias may lead to it."""
    if facts.key_name is None or facts.public is None:
        if facts.key_trouble:
            return Edge(UNKNOWN, "the key on the MTA host", facts.key_trouble, "", _LOOK)
        return Edge(UNKNOWN, "a published key", "the fleet document has no key of this sender", "", _NO_KEY)
    wanted = f"{facts.key_name} TXT {shown([record_text(facts.public)])}"
    try:
        answer = sure(look, facts.key_name, "TXT")
        if answer.absent:
            return Edge(MISSING, wanted, answer.state, "", edges.PUBLISH)
        beside = "" if answer.aliases else alias_of(facts.key_name, answer, look)
        if beside:
            return Edge(WRONG, wanted, beside, "", edges.ONE_OF_TWO)
    except Blind as error:
        return edges.blind(wanted, error)
    if len(answer.values) > 1:
        found = f"{len(answer.values)} records: {shown(answer.values)}"
        return Edge(WRONG, wanted, found, "", "Leave one: verifiers take any, or none")
    fault = key_fault(answer.values[0], facts.public)
    if fault:
        remedy = "Make a new key under a new selector" if fault.startswith("revoked") else _REPUBLISH
        return Edge(WRONG, wanted, f"{fault}: {shown(answer.values)}", "", remedy)
    note = (
        "It says t=y (testing): verifiers may take its mail as unsigned; publish it without"
        if _testing(answer.values[0])
        else ""
    )
    return Edge(OK, wanted, shown(answer.values), "", note)


VOID, GONE, THERE = "void", "gone", "there"


def judge_withdrawn(answers: Iterable[Answer]) -> str:
    """What all servers of a key record's zone show of it: VOID (``p=`` is empty), GONE, THERE (also where only one has it), or UNKNOWN."""
    found = {_withdrawn(answer) for answer in answers}
    for verdict in (THERE, UNKNOWN, VOID, GONE):
        if verdict in found:
            return verdict
    return UNKNOWN


def _withdrawn(answer: Answer) -> str:
    if answer.unknown:
        return UNKNOWN
    if answer.absent and not answer.aliases:
        return GONE
    revoked = len(answer.values) == 1 and key_fault(answer.values[0], "").startswith("revoked")
    return VOID if revoked else THERE


def key_fault(text: str, public: str) -> str:
    """What keeps a verifier from using this record for a rsa-sha256 signature by the key *public*, or ""."""
    try:
        pairs = parse_tags(text)
    except ValueError as error:
        return f"not a key record, {error}"
    tags = dict(pairs)
    if "v" in tags and (pairs[0][0] != "v" or tags["v"] != "DKIM1"):
        return "not a key record, v=DKIM1 has to come first"
    if "p" not in tags:
        return "has no key (p=)"
    published = "".join(tags["p"].split())
    if not published:
        return "revoked (p= is empty)"
    if tags.get("k", "rsa").lower() != "rsa":
        return f"of another kind, k={tags['k']}"
    if "h" in tags and "sha256" not in _words(tags["h"]):
        return f"not for sha256, h={tags['h']}"
    if "s" in tags and not {"*", "email"} & set(_words(tags["s"])):
        return f"not for mail, s={tags['s']}"
    return "" if published == public else "another key"


def _testing(text: str) -> bool:
    return "y" in _words(dict(parse_tags(text)).get("t", ""))


def _words(value: str) -> list[str]:
    return [word.strip().lower() for word in value.split(":")]
