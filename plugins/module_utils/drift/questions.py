# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings to ask a running PowerMTA for: one command each, so not every queue, yet everything whose loss would send too much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..pmta_config.effective import Effective
from .outline import Outline, Part

SETTINGS, VMTA_SETTINGS = "settings", "vmta-settings"
# A receiver that no rule but that of <domain *> knows.
ANYBODY = "example.com"


class Question(NamedTuple):
    """``pmta show SUBCOMMAND ARGUMENT``. domain: "" when the virtual MTA itself is asked about."""

    subcommand: str
    domain: str
    vmta: str

    @property
    def argument(self) -> str:
        return f"{self.domain}/{self.vmta}" if self.domain else self.vmta


class Plan(NamedTuple):
    """questions in the order to ask; left_out: how many more there would have been."""

    questions: list[Question]
    left_out: int


def plan(
    wanted: Outline, effective: Effective, stopped: Iterable[str], suspects: Iterable[str], most: int, turn: int
) -> Plan:
    """stopped, suspects: virtual MTAs (any case) that must reach nobody, and whose section on disk is another one.

    Asked are: suspects; every stopped virtual MTA; every receiver with rules, each for another virtual MTA; each kind of rules that
    virtual MTAs have for receivers; the limits of every virtual MTA. turn: a number that grows from run to run. It moves which
    virtual MTA answers for a kind, and which questions fall to *most*, so that many runs see everything.
    """
    vmtas = list(wanted.named("virtual-mta"))
    held, odd = {name.lower() for name in stopped}, {name.lower() for name in suspects}
    receivers = [one for one in _receivers(wanted, effective) if one != ANYBODY] or [ANYBODY]
    stops = [name for name in vmtas if name.lower() in held]
    senders = [name for name in vmtas if name.lower() not in held] or vmtas
    asked: dict[Question, None] = {}
    for index, name in enumerate(name for name in vmtas if name.lower() in odd):
        asked[Question(SETTINGS, receivers[(index + turn) % len(receivers)], name)] = None
        asked[Question(VMTA_SETTINGS, "", name)] = None
    for index, name in enumerate(_turned(stops, turn)):
        asked.setdefault(Question(SETTINGS, receivers[(index + turn) % len(receivers)], name))
    if senders:
        for index, receiver in enumerate(dict.fromkeys([*receivers, ANYBODY])):
            asked.setdefault(Question(SETTINGS, receiver, senders[(index + turn) % len(senders)]))
    for names, receiver in _kinds(wanted, effective, senders):
        asked.setdefault(Question(SETTINGS, receiver, names[turn % len(names)]))
    for name in _turned([name for name in vmtas if wanted.named("virtual-mta")[name].lines], turn):
        asked.setdefault(Question(VMTA_SETTINGS, "", name))
    return Plan(list(asked)[:most], max(0, len(asked) - most))


def _turned(names: list[str], turn: int) -> list[str]:
    at = turn % len(names) if names else 0
    return names[at:] + names[:at]


def _receivers(wanted: Outline, effective: Effective) -> list[str]:
    """A recipient domain for each global <domain> tag."""
    return list(dict.fromkeys(_example(part, effective) for part in wanted.named("domain").values()))


def _example(part: Part, effective: Effective) -> str:
    pattern = part.value.lower()
    if "$" in pattern:
        return next(iter(effective.domains(pattern)), ANYBODY)
    if pattern.startswith("[*.]"):
        return pattern[4:]
    if pattern.startswith("*."):
        return f"probe{pattern[1:]}"
    return ANYBODY if pattern == "*" or pattern[:1] in "[{" else pattern


def _kinds(wanted: Outline, effective: Effective, senders: list[str]) -> Iterator[tuple[list[str], str]]:
    """Virtual MTAs with the same nested rule, and a receiver that falls under it."""
    kinds: dict[tuple, tuple[list[str], str]] = {}
    allowed = set(senders)
    tops = {key: part.value for key, part in wanted.parts.items() if len(key) == 1 and part.tag == "virtual-mta"}
    for key, part in wanted.parts.items():
        if len(key) == 2 and part.tag == "domain" and tops.get(key[:1]) in allowed:
            kind = (key[1], tuple((line.name, line.values) for line in part.lines))
            kinds.setdefault(kind, ([], _example(part, effective)))[0].append(tops[key[:1]])
    yield from kinds.values()
