# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values PowerMTA has to report after it loaded a configuration, and whether its answer shows them.

Only values whose loss would send too much: what makes a stopped virtual MTA reach nobody, and the rate of a whole one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..pmta_cli import NO_COMMAND, Outcome, settings
from ..pmta_config import Directive, Section, parse, render
from ..pmta_config.directives import rows
from ..problems import FleetError
from . import caps

HOSTS = "smtp-hosts"
RATE = "max-smtp-msg-rate"
# So many known directives make an answer a list of settings, in which a missing one is missing. Every virtual MTA's own
# list has at least its address.
_ENOUGH = 2


class Expected(NamedTuple):
    """One value to be read back. domain: a receiver whose queue shows it."""

    vmta: str
    directive: str
    value: str
    domain: str

    @property
    def questions(self) -> list[tuple[str, str]]:
        """``show`` subcommands and their argument, in the order to ask; a later one is for versions without the first."""
        queue = ("settings", f"{self.domain}/{self.vmta}")
        # The rate is a setting of the virtual MTA: `show settings` lists those of a queue, and may not name it.
        return [("vmta-settings", self.vmta), queue] if self.directive == RATE else [queue]


def expected(old: str, new: str, limit: int = 20) -> list[Expected]:
    """What to read back after *new* replaced *old* (texts of configurations).

    Hosts of all stopped virtual MTAs whose section changed and of at most *limit* others; rates of at most *limit* changed ones.
    """
    before = {name: render([section]) for name, section in _virtual_mtas(old).items()}
    domain = _receiver(new)
    changed: list[Expected] = []
    others: list[Expected] = []
    rates: list[Expected] = []
    for name, section in _virtual_mtas(new).items():
        same = before.get(name) == render([section])
        for found in _values(section):
            one = Expected(section.value or "", *found, domain)
            (others if same else changed if one.directive == HOSTS else rates).append(one)
    return [*changed, *[one for one in others if one.directive == HOSTS][:limit], *rates[:limit]]


def _virtual_mtas(text: str) -> dict[str, Section]:
    return {
        node.value.lower(): node
        for node in parse(text).nodes
        if isinstance(node, Section) and node.tag.lower() == "virtual-mta" and node.value
    }


def _values(section: Section) -> list[tuple[str, str]]:
    found = []
    for node in section.nodes:
        if isinstance(node, Section) and node.tag.lower() == "domain" and node.value == "*":
            found += [(HOSTS, " ".join(one.values)) for one in _named(node, HOSTS)]
    return found[:1] + [(RATE, " ".join(one.values)) for one in _named(section, RATE)][-1:]


def _named(section: Section, name: str) -> list[Directive]:
    return [node for node in section.nodes if isinstance(node, Directive) and node.name.lower() == name]


def _receiver(text: str) -> str:
    """A receiver with rules of its own, if there is one: there another section could win over the virtual MTA's."""
    for node in parse(text).nodes:
        if isinstance(node, Directive) and node.name.lower() == "domain-macro":
            for domain in " ".join(node.values[1:]).replace(",", " ").split():
                if re.match(r"[a-z0-9][a-z0-9.-]*\Z", domain, re.IGNORECASE):
                    return domain
    return "example.com"


def judge(code: int, stdout: str, stderr: str, wanted: Expected, subcommand: str) -> Outcome:
    """ok: True if the answer shows the value, False if it shows another or none, None if it cannot be read."""
    text = "\n".join(part.strip() for part in (stdout, stderr) if part.strip())
    if code != 0 or NO_COMMAND.search(text):
        return Outcome(None, text or f"code {code}")
    found = settings(stdout)
    values = found.get(wanted.directive)
    if values:
        verdicts = [_same(wanted, value) for value in values]
        ok = True if True in verdicts else None if None in verdicts else False
        return Outcome(ok, f"{wanted.directive} {', '.join(values)}")
    if subcommand == "vmta-settings":
        whole = "smtp-source-host" in found
    else:
        known = {row.name for row in rows()}
        whole = wanted.directive == HOSTS and sum(name in known for name in found) >= _ENOUGH
    if whole:
        return Outcome(False, f"no {wanted.directive}")
    return Outcome(None, text[:200] or "nothing")


def _same(wanted: Expected, value: str) -> bool | None:
    if wanted.directive == HOSTS:
        # However addresses and ports are bracketed and quoted; partly the same is not understood.
        here, there = (set(re.findall(r"[a-z0-9.-]+", text.lower())) for text in (value, wanted.value))
        return True if here == there else None if here & there else False
    try:
        return _per_day(value) == _per_day(wanted.value)
    except FleetError:
        return None


def _per_day(rate: str):
    text = rate.replace(" ", "").lower()
    return caps.per_day("unlimited" if text == "0" else text)
