# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server's answer to one question, as the judges read it. No answer is never a statement about the zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import dns_trouble

FOUND, NODATA, NXDOMAIN, UNKNOWN = "found", "nodata", "nxdomain", "unknown"
ABSENT = (NODATA, NXDOMAIN)

LAME, SILENT_ZONE, CIRCLE, BOGUS = "lame", "silent_zone", "circle", "bogus"
REMEDIES = {
    dns_trouble.TIMEOUT: "Check that it runs and that firewalls let UDP and TCP through, then check again",
    dns_trouble.UNREACHABLE: "Check its address, and that it runs; then check again",
    dns_trouble.SERVFAIL: "Look into its log; at a resolver, a broken DNSSEC chain or a dead server of the zone does this",
    BOGUS: "Mend the chain: the DS at the parent has to match a DNSKEY, and signatures have to be in date (re-sign, or take the DS "
    "away until it is mended). Every receiver that validates gets no answer at all",
    dns_trouble.REFUSED: "Let it answer queries from here; a server that is not the zone's any more has to leave the NS records",
    LAME: "Load the zone there, or take the server out of the zone's NS records",
    SILENT_ZONE: "Name a resolver that works from here, or the zone's servers in authoritative",
    CIRCLE: "Take away the aliases (CNAME) that lead in a circle",
}
_OTHER_REMEDY = "Look into its log, then check again"


@dataclass(frozen=True)
class Answer:
    """state: FOUND, NODATA, NXDOMAIN or UNKNOWN. values: sorted; A and AAAA canonical, MX ``"10 host."``, names without
    final dot, TXT as joined text (undecodable bytes as surrogates). aliases: the names CNAMEs led to, in order. why: for
    UNKNOWN what happened (a dns_trouble kind, LAME, BOGUS, ...), detail in words."""

    state: str
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    why: str = ""
    detail: str = ""

    @property
    def unknown(self) -> bool:
        return self.state == UNKNOWN

    @property
    def absent(self) -> bool:
        return self.state in ABSENT

    @property
    def bogus(self) -> bool:
        """A resolver that is known to validate has it, and refuses to give it: its DNSSEC chain is broken."""
        return self.why == BOGUS

    @property
    def remedy(self) -> str:
        """What to do about an UNKNOWN."""
        return REMEDIES.get(self.why, _OTHER_REMEDY)


Look = Callable[[str, str], Answer]
Question = tuple[str, str]


class Wanted(Exception):
    """The answer to this question has to be fetched first. Not an error."""

    def __init__(self, question: object):
        super().__init__(question)
        self.question = question


class Blind(Exception):
    """A judge cannot decide, because this answer is UNKNOWN."""

    def __init__(self, name: str, rtype: str, answer: Answer):
        super().__init__(f"{name} {rtype}")
        self.name, self.rtype, self.answer = name, rtype, answer


def sure(look: Look, name: str, rtype: str) -> Answer:
    """The answer, if it is one. Raises Blind."""
    answer = look(name, rtype)
    if answer.unknown:
        raise Blind(name, rtype, answer)
    return answer
