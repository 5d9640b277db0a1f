# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a resolver validates (RFC 4035): it vouches for a signed name, and gives nothing for one whose chain is broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from .. import dns_trouble
from .answers import Answer
from .edges import NO, UNKNOWN, YES

SIGNED, BROKEN = ".", "dnssec-failed.org"  # zones on the Internet that are meant for this
_UNBOUND = "Ask a resolver that validates (unbound with a trust anchor, not forwarding), in checks_resolvers"


@dataclass(frozen=True)
class Validation:
    """validating: YES, NO or UNKNOWN; why: in words, "" when it does; remedy."""

    server: str
    validating: str
    why: str = ""
    remedy: str = ""

    def as_dict(self) -> dict:
        return asdict(self)


def judge(server: str, signed: str, vouched: Answer, authentic: bool, broken: str, refused: Answer) -> Validation:
    """Of one resolver. signed, broken: the names of a zone whose chain is whole, and of one whose chain is broken;
    vouched, refused: what it answered for their SOA, authentic: whether it said AD to the first.

    No answer for the first is unknown; so is a second that fails in another way than SERVFAIL, or does not exist."""
    if vouched.unknown:
        return Validation(
            server, UNKNOWN, f"no answer for {signed or '.'}: {vouched.detail or vouched.why}", vouched.remedy
        )
    if not authentic:
        return Validation(server, NO, f"it does not vouch for {signed or '.'} (no AD)", _UNBOUND)
    if refused.unknown:
        if refused.why == dns_trouble.SERVFAIL:
            return Validation(server, YES)
        return Validation(server, UNKNOWN, f"no answer for {broken}: {refused.detail or refused.why}", refused.remedy)
    if refused.absent:
        remedy = "Name a zone whose chain is broken and that can be reached, in dns_check_broken_name"
        return Validation(server, UNKNOWN, f"{broken} does not exist here", remedy)
    return Validation(server, NO, f"it answers for {broken}, whose DNSSEC chain is broken", _UNBOUND)


def together(found: Sequence[Validation]) -> dict:
    """``{"validating", "servers": [...]}``: yes when all do, no when one does not."""
    verdicts = {one.validating for one in found}
    whole = NO if NO in verdicts else UNKNOWN if UNKNOWN in verdicts or not verdicts else YES
    return {"validating": whole, "servers": [one.as_dict() for one in found]}


def lines(resolver: Mapping) -> list[str]:
    """What people have to know of it."""
    told = []
    for one in resolver["servers"]:
        if one["validating"] != YES:
            what = "does not validate" if one["validating"] == NO else "may or may not validate"
            told.append(f"{one['server']} {what}, so a broken DNSSEC chain may go unseen: {one['why']}")
            told.append(f"    remedy: {one['remedy']}")
    return told
