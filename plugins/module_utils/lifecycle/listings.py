# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lists' verdicts about a sender mean for it: stop, look again, mend its set-up, or only know it.

A list of severity critical stops at the first sound answer. One that is major stops when a second list says so, too, or when it says
so again: such lists are noisier. Whatever is unknown neither stops nor clears.
"""

from __future__ import annotations

import typing as t

from .brakes import CRITICAL, Brakes

LISTED, CLEAN, UNKNOWN = "listed", "clean", "unknown"
HEALTHY = "healthy"
CONFIGURATION, INFORMATION = "configuration", "information"

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
    """What a list said about something that must not be listed."""

    blacklist: str
    verdict: str


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


def sound(lists: t.Iterable[str], controls: t.Iterable[Control]) -> frozenset[str]:
    """Lists that were asked about what must not be listed, and said so of each."""
    said: dict[str, list[str]] = {}
    for control in controls:
        said.setdefault(control.blacklist, []).append(control.verdict)
    return frozenset(name for name in lists if said.get(name) and all(verdict == CLEAN for verdict in said[name]))


def judge(heard: t.Iterable[Heard], before: t.Collection[tuple[str, str]], brakes: Brakes) -> Judgement:
    """What follows from the verdicts about one sender. before: (list, target) of those that listed it at an earlier check."""
    listed = [one for one in heard if one.verdict == LISTED]
    configuration = tuple(one for one in listed if one.severity == CONFIGURATION)
    stopping = tuple(one for one in listed if one.severity in brakes.stops)
    if not stopping:
        return Judgement(NOTHING, (), configuration)
    sure = any(one.severity == CRITICAL or one.key in before for one in stopping)
    if sure or len({one.blacklist for one in stopping}) > 1:
        return Judgement(STOP, stopping, configuration)
    return Judgement(LOOK_AGAIN, stopping, configuration)


def is_news(heard: t.Iterable[Heard], known: t.Collection[tuple[str, str]]) -> bool:
    """Whether a list says so now that did not before. What is only information never makes a mass event."""
    return any(one.verdict == LISTED and one.severity != INFORMATION and one.key not in known for one in heard)
