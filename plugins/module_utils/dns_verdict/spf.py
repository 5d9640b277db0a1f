# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF: evaluated, not matched; for this address, for strangers, and for the name in EHLO (RFC 7208)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..spf_text import TEXT_LIMIT, is_spf
from . import edges
from .answers import Blind, Look, sure
from .edges import MISSING, OK, UNKNOWN, WRONG, Edge, shown
from .facts import Facts
from .identity import alias_of

#: Addresses that nobody sends from, one in each half of the space: a record that permits one permits everybody.
STRANGERS = {"A": ("0.0.0.1", "255.255.255.254"), "AAAA": ("100::1", "fe00::1")}
LOCAL_PART = "bounce"
ANSWER_LIMIT = 512 - 40  # RFC 7208 3.4: header and question leave about this much of a UDP answer without EDNS
_OPEN = "Name only your own addresses, and end it with -all or ~all"


@dataclass(frozen=True)
class Outcome:
    """result: of RFC 7208 2.6 (none, neutral, pass, fail, softfail, temperror, permerror). why: in words, or ""."""

    result: str
    why: str = ""


#: (ip, mail_from, helo, look) -> Outcome. Asks only through look, whose Wanted it lets through.
Evaluate = Callable[[str, str, str, Look], Outcome]


def judge_spf(facts: Facts, look: Look, evaluate: Evaluate) -> Edge:
    """Exactly one record at the MAIL FROM domain that passes this address, no stranger, within the limits for both."""
    wanted = f"{facts.domain} TXT {shown([facts.spf])}"
    try:
        answer = sure(look, facts.domain, "TXT")
        alias = alias_of(facts.domain, answer, look)
        if alias:
            return Edge(WRONG, wanted, alias, "", "Replace the alias by the records")
    except Blind as error:
        return edges.blind(wanted, error)
    records = [value for value in answer.values if is_spf(value)]
    if not records:
        found = shown(answer.values) or answer.state
        return Edge(MISSING, wanted, f"no SPF record: {found}", "", edges.PUBLISH)
    edge = _judge(facts, f"{LOCAL_PART}@{facts.domain}", records, wanted, look, evaluate)
    size = sum(len(value.encode("utf-8", "surrogateescape")) + 12 for value in answer.values)
    if edge.verdict == OK and not edge.remedy and len(answer.values) > 1 and size > ANSWER_LIMIT:
        return replace(
            edge,
            remedy=f"All TXT records of {facts.domain} together take {size} bytes; over {ANSWER_LIMIT} some receivers lose the answer",
        )
    return edge


def judge_helo_spf(facts: Facts, look: Look, evaluate: Evaluate) -> Edge:
    """The name in EHLO passes this address too, or has no record (receivers check it for bounces, RFC 7208 2.3)."""
    wanted = f"{facts.hostname} TXT {shown([facts.helo])}"
    try:
        answer = sure(look, facts.hostname, "TXT")
    except Blind as error:
        return edges.blind(wanted, error)
    records = [value for value in answer.values if is_spf(value)]
    if not records:
        return Edge(OK, wanted, "none")
    return _judge(facts, "", records, wanted, look, evaluate)


def _judge(facts: Facts, mail_from: str, records: list[str], wanted: str, look: Look, evaluate: Evaluate) -> Edge:
    """mail_from: "" for the EHLO name (RFC 7208 2.4)."""
    found = shown(records)
    if len(records) > 1:
        return Edge(
            WRONG, wanted, f"{len(records)} records: {found}", "", "Merge them into one: two are an error to receivers"
        )

    def outcome(ip: str) -> Outcome:
        return evaluate(ip, mail_from, facts.hostname, look)

    own = outcome(facts.ip)
    if own.result == "temperror":
        return Edge(
            UNKNOWN, wanted, f"{found}: {own.why}", "", "Check the servers of the names it includes, then check again"
        )
    if own.result != "pass":
        told = f"{own.result}{f' ({own.why})' if own.why else ''} for {facts.ip}: {found}"
        remedy = "Correct the record (RFC 7208)" if own.result == "permerror" else edges.PUBLISH
        return Edge(WRONG, wanted, told, "", remedy)
    unsure = ""
    for stranger in STRANGERS[facts.address_type]:
        theirs = outcome(stranger)
        if theirs.result in ("pass", "neutral"):
            return Edge(WRONG, wanted, f"{theirs.result} for anybody: {found}", "", _OPEN)
        if theirs.result == "permerror":
            told = f"permerror ({theirs.why}) for other addresses: {found}"
            return Edge(WRONG, wanted, told, "", "Ask for less: at most 10 lookups, 2 of them without an answer")
        if theirs.result not in ("fail", "softfail"):
            unsure = theirs.why or theirs.result
    if unsure:
        return Edge(
            UNKNOWN, wanted, f"{found}: {unsure}", "", "Check the servers of the names it includes, then check again"
        )
    note = (
        f"It has {len(records[0])} bytes; over {TEXT_LIMIT} an answer may not fit"
        if len(records[0]) > TEXT_LIMIT
        else ""
    )
    return Edge(OK, wanted, found, "", note)
