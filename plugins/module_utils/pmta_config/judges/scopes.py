# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which <domain> settings reach which queue, as far as rules need it. Scopes: a virtual MTA, its pools, then global."""

from __future__ import annotations

from ..facts import Facts, Held, Line


class Scopes:
    """The <domain> sections of a configuration by the place they stand in."""

    def __init__(self, facts: Facts):
        self.facts = facts
        self.by_scope: dict[tuple[str, str], list[Held]] = {}
        self.by_name: dict[tuple[tuple[str, str], str], list[Held]] = {}
        for held in facts.held("domain"):
            self.by_scope.setdefault(held.scope, []).append(held)
            self.by_name.setdefault((held.scope, held.name), []).append(held)
        self.pools_of: dict[str, list[str]] = {}
        for pool, (members, _holds, _place) in facts.pools.items():
            for member in members:
                self.pools_of.setdefault(member, []).append(pool)

    def of(self, scope: tuple[str, str]) -> list[Held]:
        return self.by_scope.get(scope, [])

    def around(self, scope: tuple[str, str]) -> list[tuple[str, str]]:
        """The scope and those whose settings it inherits."""
        if not scope[0]:
            return [scope]
        pools = self.pools_of.get(scope[1], ()) if scope[0] == "virtual-mta" else ()
        return [scope, *(("virtual-mta-pool", pool) for pool in pools), ("", "")]

    def inherited(self, held: Held, name: str) -> Line | None:
        """The line of a directive that is in effect for a <domain> section: its own, or one of a wider pattern."""
        own = held.last(name)
        if own is not None:
            return own
        for scope in self.around(held.scope):
            for name_above in _wider(held.name):
                for other in reversed(self.by_name.get((scope, name_above), ())):
                    line = other.last(name)
                    if line is not None:
                        return line
        return None

    def domains(self, pattern: str) -> set[str]:
        """The domains that a pattern names, macros expanded."""
        if "$" not in pattern:
            return {pattern}
        if pattern[0] != "$":
            return set()
        found: set[str] = set()
        seen: set[str] = set()
        waiting = [pattern[1:].strip("{}")]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for item in self.facts.macro_items.get(name, ()):
                if item[:1] == "$":
                    waiting.append(item[1:].strip("{}"))
                else:
                    found.add(item)
        return found


def _wider(name: str) -> list[str]:
    """The patterns that cover a name, the most specific first."""
    found = [name, f"[*.]{name}"]
    if "." in name and name[0] not in "*[":
        labels = name.split(".")[1:12]
        for at in range(len(labels)):
            parent = ".".join(labels[at:])
            found += [f"*.{parent}", f"[*.]{parent}"]
    return [*found, "*"]


def covers(pattern: str, name: str) -> bool:
    """Whether what holds for a pattern holds for another one too."""
    if pattern in ("*", name):
        return True
    if pattern.startswith("[*.]"):
        return name == pattern[4:] or name.endswith("." + pattern[4:])
    return pattern.startswith("*.") and name.endswith(pattern[1:])
