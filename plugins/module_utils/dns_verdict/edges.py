# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on one edge of a sender's identity, and how the views of several servers make one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from .answers import BOGUS, REMEDIES, Blind

OK, WRONG, MISSING, UNKNOWN = "ok", "wrong", "missing", "unknown"
VERDICTS = (OK, WRONG, MISSING, UNKNOWN)
_WORST_FIRST = (WRONG, MISSING, UNKNOWN, OK)
EDGES = ("mta", "a", "ptr", "spf", "helo_spf", "dkim", "dmarc", "mx")
#: Seen on the MTA hosts, not in the DNS.
MTA = "mta"
YES, NO = "yes", "no"

PUBLISH = "Publish it: site.yml does for zones that a server of dns_servers holds, others are pasted by hand"
STALE = "The zone's servers have it right; this resolver keeps an older answer until its time to live is over"
BEHIND = "Other servers of the zone have it right: see why this one does not follow (NOTIFY, transfer, serial)"
ONE_OF_TWO = "Take away the alias, or the records beside it: servers and receivers read either, at random"
_SHOWN = 300  # characters of a value; a key record is longer, and known


@dataclass(frozen=True)
class Edge:
    """wanted, found: texts; server: who said so, "" when it is ok; remedy: what to do, or, when it is ok, what to
    mind."""

    verdict: str
    wanted: str = ""
    found: str = ""
    server: str = ""
    remedy: str = ""

    def as_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class View:
    """How one server sees an edge. authoritative: it is one of the zone's own."""

    server: str
    authoritative: bool
    edge: Edge


def blind(wanted: str, error: Blind) -> Edge:
    """Somebody gave no answer. A broken DNSSEC chain is no silence: it is an outage that is there to be mended."""
    answer = error.answer
    if answer.bogus:
        return Edge(
            WRONG, wanted, f"broken DNSSEC chain at {error.name} {error.rtype}: {answer.detail}", "", answer.remedy
        )
    found = f"no answer for {error.name} {error.rtype}: {answer.detail or answer.why or 'unknown'}"
    return Edge(UNKNOWN, wanted, found, "", answer.remedy)


def shown(values: Iterable[str]) -> str:
    """Values for people: printable, no longer than a line or three."""
    text = " | ".join(values)
    text = "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _escaped(sign: str) -> str:
    return "".join(f"\\{byte:03d}" for byte in sign.encode("utf-8", "surrogateescape"))


def combine(views: Sequence[View]) -> Edge:
    """One verdict of all views: the worst (wrong, missing, unknown, ok), with the servers that differ named.

    No view at all is unknown: nobody was asked.
    """
    if not views:
        return Edge(UNKNOWN, "", "nobody could be asked", "", "Name a resolver")
    worst = min((view.edge.verdict for view in views), key=_WORST_FIRST.index)
    guilty = [view for view in views if view.edge.verdict == worst]
    edge = guilty[0].edge
    if worst == OK:
        note = next((view.edge.remedy for view in guilty if view.edge.remedy), "")
        return replace(edge, server="", remedy=note)
    edge = replace(edge, server=_named([view.server for view in guilty]))
    if worst in (WRONG, MISSING):
        if edge.remedy == REMEDIES[BOGUS]:
            return edge
        own = [view for view in views if view.authoritative]
        right = [view for view in own if view.edge.verdict == OK]
        if own and len(right) == len(own):
            edge = replace(edge, remedy=STALE)
        elif right:
            edge = replace(edge, remedy=BEHIND)
    return edge


def _named(servers: Sequence[str]) -> str:
    names = list(dict.fromkeys(servers))
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def green(edges: Mapping[str, Edge], asked: Sequence[str] = EDGES) -> str:
    """yes: every edge of *asked* is there and ok; no: one is wrong or missing; unknown otherwise."""
    verdicts = [edges[name].verdict if name in edges else UNKNOWN for name in asked]
    if WRONG in verdicts or MISSING in verdicts:
        return NO
    return UNKNOWN if UNKNOWN in verdicts else YES
