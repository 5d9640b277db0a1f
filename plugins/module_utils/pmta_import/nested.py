# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules inside the old virtual MTAs and pools, made one set of rules for every new virtual MTA.

Where all old ones say the same, it is taken as it is. Where they differ, each receiver gets of rates and limits the strictest value
that an old virtual MTA had for it, the global rules included where one had no rule of its own.
"""

from __future__ import annotations

import typing as t

from ..pmta_config import Directive, Section
from ..pmta_config.effective import Effective
from . import stricter

# pattern -> directive -> values (source words), and the same of a whole scope
Tags = dict[str, dict[str, tuple[str, ...]]]
_NOBODY = "nobody-is-named-so"


class Old(t.NamedTuple):
    """One old virtual MTA or pool. members: of a pool."""

    name: str
    tags: Tags
    settings: dict[str, tuple[str, ...]]
    members: tuple[str, ...] = ()


def merged_settings(vmtas: t.Sequence[Old], pools: t.Sequence[Old]) -> dict[str, tuple[str, ...]]:
    """What stands directly in virtual MTAs and pools: a virtual MTA's own beats that of its pools."""
    names = dict.fromkeys(name for old in (*vmtas, *pools) for name in old.settings)
    found = {}
    for name in names:
        values = []
        for vmta in vmtas:
            inherited = [pool.settings[name] for pool in pools if vmta.name in pool.members and name in pool.settings]
            values.append(vmta.settings.get(name) or (stricter.combined(name, inherited) if inherited else None))
        value = stricter.combined(name, values) if values else None
        if value is not None:
            found[name] = value
    return found


def merged_tags(
    vmtas: t.Sequence[Old], pools: t.Sequence[Old], macros: t.Mapping[str, t.Sequence[str]], top: Tags
) -> Tags:
    """The nested ``<domain>`` tags of every new virtual MTA. top: the global ones."""
    if not vmtas:
        return {}
    scopes = []
    for vmta in vmtas:
        inherited = [pool.tags for pool in pools if vmta.name in pool.members and pool.tags]
        # With tags of its own beside a pool's the two have to be resolved receiver by receiver.
        scopes.append(vmta.tags if not inherited else inherited[0] if len(inherited) == 1 and not vmta.tags else None)
    if None not in scopes and all(scope == scopes[0] for scope in scopes):
        return {pattern: dict(settings) for pattern, settings in scopes[0].items() if settings}
    return _Resolver(vmtas, pools, macros, top).tags()


def beaten(top: Tags, tags: Tags) -> list[str]:
    """Sentences on limits of the virtual MTAs' ``<domain *>`` that are looser than a receiver's own and may beat it."""
    found = []
    for name, values in tags.get("*", {}).items():
        if not stricter.is_limit(name):
            continue
        looser = [
            pattern
            for pattern, settings in top.items()
            if pattern != "*"
            and name in settings
            and name not in tags.get(pattern, {})
            and stricter.combined(name, (settings[name], values)) != values
        ]
        if looser:
            found.append(
                f"{name} {values[-1]} stood in <domain *> of the virtual MTAs, and may beat the stricter one of {', '.join(looser)}, before and now: "
                "which of them counts is not documented. For the receiver's own, repeat it in policy_virtual_mta_domains"
            )
    return found


class _Resolver:
    def __init__(
        self, vmtas: t.Sequence[Old], pools: t.Sequence[Old], macros: t.Mapping[str, t.Sequence[str]], top: Tags
    ):
        self._vmtas = [old.name for old in vmtas]
        # Values travel through `Effective` as numbers, so that their words stay as they were written.
        self._values: list[str] = []
        nodes: list = [
            Directive("domain-macro", name, ",".join(domains)) for name, domains in macros.items() if domains
        ]
        nodes += self._sections(top)
        nodes += [Section("virtual-mta", old.name, self._sections(old.tags)) for old in vmtas]
        for old in pools:
            members = [Directive("virtual-mta", name) for name in old.members]
            nodes.append(Section("virtual-mta-pool", old.name, [*members, *self._sections(old.tags)]))
        self._effective = Effective(nodes)
        nested = [pattern for old in (*vmtas, *pools) for pattern in old.tags]
        self._macros = [pattern for pattern in dict.fromkeys(nested) if "$" in pattern]
        self._names = list(
            dict.fromkeys(name for old in (*vmtas, *pools) for settings in old.tags.values() for name in settings)
        )
        patterns = dict.fromkeys(one for pattern in ["*", *nested, *top] for one in self._effective.domains(pattern))
        # The general ones first: what they give need not be said again.
        self._patterns = sorted(patterns, key=_specific)

    def _sections(self, tags: Tags) -> list[Section]:
        return [
            Section(
                "domain",
                pattern,
                [Directive(name, self._number(one)) for name, values in settings.items() for one in values],
            )
            for pattern, settings in tags.items()
        ]

    def _number(self, value: str) -> str:
        self._values.append(value)
        return str(len(self._values) - 1)

    def tags(self) -> Tags:
        out: Tags = {}
        for pattern in self._patterns:
            receiver = sample(pattern)
            olds = [self._effective.settings(receiver, vmta) for vmta in self._vmtas]
            default = self._effective.settings(receiver)
            for name in self._names:
                wanted = stricter.combined(name, [self._words(old.get(name)) for old in olds])
                given = next(
                    (out[one][name] for one in reversed(out) if name in out[one] and _covers(one, receiver)),
                    self._words(default.get(name)),
                )
                if wanted is not None and wanted != given:
                    out.setdefault(pattern, {})[name] = wanted
        return self._folded(out)

    def _words(self, numbers: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if numbers is None else tuple(self._values[int(number)] for number in numbers)

    def _folded(self, out: Tags) -> Tags:
        """Domains of one macro that all got the same are written as the macro again."""
        for macro in self._macros:
            domains = self._effective.domains(macro)
            got = [out.get(domain) for domain in domains]
            if domains and got[0] and all(one == got[0] for one in got):
                for domain in domains:
                    del out[domain]
                out[macro] = got[0]
        return out


def _specific(pattern: str) -> tuple[int, int, str]:
    if pattern == "*":
        return 0, 0, pattern
    if pattern.startswith(("*.", "[*.]")):
        suffix = pattern.lstrip("[*.]")
        return 1, suffix.count(".") * 2 + pattern.startswith("*."), pattern
    return 2, 0, pattern


def sample(pattern: str) -> str:
    """A receiver about which this pattern is the most specific one."""
    if pattern == "*":
        return f"{_NOBODY}.invalid"
    if pattern.startswith(("*.", "[*.]")):
        return f"{_NOBODY}.{pattern.partition('.')[2].lstrip(']')}"
    return pattern.partition("/")[0] + "]" if pattern.startswith("[") and "/" in pattern else pattern


def _covers(pattern: str, receiver: str) -> bool:
    if pattern == "*":
        return True
    if pattern.startswith("[*.]"):
        return receiver == pattern[4:] or receiver.endswith(pattern[3:].replace("]", "."))
    if pattern.startswith("*."):
        return receiver.endswith(pattern[1:])
    return pattern == receiver
