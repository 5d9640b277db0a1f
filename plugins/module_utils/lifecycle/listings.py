# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lists' verdicts about a sender mean for it: stop, look again, mend its set-up, or only know it.

A list of severity critical stops at the first sound answer. One that is major stops when a second list says so, too, or when it says
so again: such lists are noisier. Whatever is unknown neither stops nor clears.
"""

from __future__ import annotations

import typing as t

from .brakes import CRITICAL, MAJOR, STOPPING, Brakes
from .decide import NO

LISTED, CLEAN, UNKNOWN = "listed", "clean", "unknown"
HEALTHY = "healthy"
CONFIGURATION, INFORMATION, MINOR = "configuration", "information", "minor"
#: Why what a list newly says of many is not believed: a control is listed, gave no answer, or none was asked.
DOUBT_LISTED, DOUBT_SILENT, DOUBT_UNASKED = "listed", "silent", "unasked"

STOP, LOOK_AGAIN, NOTHING = "stop", "look again", "nothing"


class Heard(t.NamedTuple):
    """What one list said about one target of a sender. severity, meaning: of the codes, None where it is not listed."""

    blacklist: str
    target: str
    verdict: str
    codes: tuple[str, ...] = ()
    severity: str | None = None
    meaning: str | None = None
    detail: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.blacklist, self.target

    def words(self) -> str:
        meaning = f": {self.meaning}" if self.meaning else ""
        return f"{self.blacklist} lists {self.target} ({', '.join(self.codes)}){meaning}"


class Control(t.NamedTuple):
    """What a list said about something that must not be listed. severity: of its codes where it is listed; None where nobody said."""

    blacklist: str
    verdict: str
    severity: str | None = None


class Asked(t.NamedTuple):
    """A list that the newest check asked. severity: the worst that its codes can mean. said: of one sender, lately, for each of its
    targets: "yes", "no" or "unknown"; empty where nothing is known, or the list is not healthy."""

    severity: str
    said: tuple[str, ...] = ()


class Judgement(t.NamedTuple):
    """does: STOP, LOOK_AGAIN or NOTHING. because: the verdicts that say so. configuration: those that name a fault of the set-up."""

    does: str
    because: tuple[Heard, ...] = ()
    configuration: tuple[Heard, ...] = ()


def believed(heard: t.Iterable[Heard], states: t.Mapping[str, str]) -> tuple[Heard, ...]:
    """The verdicts; what a list says that is not healthy is unknown. states: of the lists by name."""
    return tuple(
        one
        if one.verdict == UNKNOWN or states.get(one.blacklist) == HEALTHY
        else one._replace(verdict=UNKNOWN, codes=(), severity=None, meaning=None, detail="the list is not healthy")
        for one in heard
    )


def deciding(severities: t.Iterable[str]) -> str | None:
    """Of what severity the lists are whose answer makes a sender clean: of the critical ones, of the major ones where nobody asks any;
    None where none is asked that could stop."""
    found = set(severities)
    return CRITICAL if CRITICAL in found else MAJOR if MAJOR in found else None


def seen_clean(asked: t.Iterable[Asked]) -> bool:
    """Whether a sender was seen clean: every deciding list has said so of all its targets. What the others say proves nothing."""
    asked = list(asked)
    severity = deciding(one.severity for one in asked)
    needed = [one for one in asked if one.severity == severity]
    return bool(needed) and all(one.said and set(one.said) == {NO} for one in needed)


def doubts(lists: t.Iterable[str], controls: t.Iterable[Control]) -> dict[str, str]:
    """Lists whose news of many senders are not believed -> why (``DOUBT_*``). A control that is listed as what stops nobody, a server's
    address in a list of dynamic ones for example, says neither way."""
    said: dict[str, set[str]] = {}
    for control in controls:
        if control.verdict != LISTED or control.severity is None or control.severity in STOPPING:
            said.setdefault(control.blacklist, set()).add(control.verdict)
    found = {}
    for name in lists:
        verdicts = said.get(name, set())
        if LISTED in verdicts:
            found[name] = DOUBT_LISTED
        elif UNKNOWN in verdicts:
            found[name] = DOUBT_SILENT
        elif not verdicts:
            found[name] = DOUBT_UNASKED
    return found


def stops_less(severity: str | None, than: str | None) -> bool:
    """Whether a listing of this severity says less against a sender than one of the other."""
    return _rank(severity) < _rank(than)


def _rank(severity: str | None) -> int:
    return {CRITICAL: 3, MAJOR: 2, None: 0}.get(severity, 1)


def judge(heard: t.Iterable[Heard], before: t.Mapping[tuple[str, str], str], brakes: Brakes) -> Judgement:
    """What follows from the verdicts about one sender. before: (list, target) of those that listed it at an earlier check -> the worst
    severity of what they said. A list that said less then says what stops for the first time."""
    listed = [one for one in heard if one.verdict == LISTED]
    configuration = tuple(one for one in listed if one.severity == CONFIGURATION)
    stopping = tuple(one for one in listed if one.severity in brakes.stops)
    if not stopping:
        return Judgement(NOTHING, (), configuration)
    sure = any(one.severity == CRITICAL or before.get(one.key) in STOPPING for one in stopping)
    if sure or len({one.blacklist for one in stopping}) > 1:
        return Judgement(STOP, stopping, configuration)
    return Judgement(LOOK_AGAIN, stopping, configuration)


def news(heard: t.Iterable[Heard], known: t.Mapping[tuple[str, str], str]) -> tuple[Heard, ...]:
    """What a list says now that it did not before, or not as bad. known: as `judge` has it. What stops nobody and names no fault of the
    set-up never makes a mass event."""
    return tuple(
        one
        for one in heard
        if one.verdict == LISTED
        and one.severity not in (INFORMATION, MINOR)
        and stops_less(known.get(one.key), one.severity)
    )


def changes(news_of: t.Iterable[t.Iterable[Heard]]) -> int:
    """How many things changed, by the news of each sender that has any: a domain that all of them lie under is one."""
    each = [{one.target for one in found} for found in news_of]
    return min(len(each), len(set().union(*each)))
