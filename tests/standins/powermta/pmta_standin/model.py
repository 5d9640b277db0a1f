# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loaded configuration as the daemon uses it: virtual MTAs, pools, sources, and the effective settings of a queue."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import table, values
from .domains import DomainTable, Macros
from .tree import Block, Setting

DEFAULT_VMTA = "{default}"


class Key(NamedTuple):
    selector: str
    domain: str
    pem: bytes


class SourceHost(NamedTuple):
    ip: str
    host: str


@dataclass
class Pool:
    name: str
    block: Block
    members: list[str]
    domains: DomainTable
    keys: list[Key]


@dataclass
class Vmta:
    name: str
    block: Block
    hosts: list[SourceHost]
    domains: DomainTable
    keys: list[Key]
    pools: list[Pool] = field(default_factory=list)

    def limit(self, name: str) -> Any:
        """A directive of the VMTA, else the strictest of its pools', else None (no limit)."""
        own = self.block.get(name)
        if own is not None:
            return own
        inherited = [value for pool in self.pools if (value := pool.block.get(name)) not in (None, "unlimited", "0")]
        return min(inherited, key=_strictness) if inherited else None


def _strictness(value: Any) -> float:
    return value.count / value.seconds if isinstance(value, values.Rate) else float(value)


class Config:
    """One accepted configuration; immutable, replaced as a whole by a reload."""

    def __init__(self, top: Block, defaults: Block, files: list[str]) -> None:
        self.top, self.defaults, self.files = top, defaults, files
        self.macros = Macros(top)
        self.vmtas: dict[str, Vmta] = {}
        self.pools: dict[str, Pool] = {}
        self.keys: list[Key] = []
        self.hosts: list[SourceHost] = []
        self.warnings: list[str] = []
        self.domains = DomainTable(top.inside("domain"), self.macros)
        self._effective: dict[tuple[str, str], dict[str, list[Setting]]] = {}
        self._sources: dict[str, dict[str, Any]] = {}

    def glob(self, name: str, default: Any = None) -> Any:
        """A global directive, from the configuration, else from config-defaults, else ``default``."""
        for block in (self.top, self.defaults):
            found = block.get(name)
            if found is not None:
                return found
        return default

    def named(self, tag: str, name: str) -> Block | None:
        for block in (*self.top.inside(tag), *self.defaults.inside(tag)):
            if block.name == name:
                return block
        return None

    def effective(self, domain: str, vmta: str) -> dict[str, list[Setting]]:
        """Directives of queue domain/vmta: the VMTA's scope beats the pool's, the pool's beats the global one,
        whatever the patterns; inside a scope the most specific pattern wins."""
        key = (domain, vmta)
        if key not in self._effective:
            scopes = [self.domains]
            owner = self.vmtas.get(vmta)
            if owner:
                scopes += [pool.domains for pool in owner.pools] + [owner.domains]
            merged: dict[str, list[Setting]] = {}
            for scope in scopes:
                for block in reversed(scope.lookup(domain)):
                    own: dict[str, list[Setting]] = {}
                    for setting in block.settings:
                        own.setdefault(setting.name, []).append(setting)
                    merged.update(own)
            if len(self._effective) > 200_000:
                self._effective.clear()
            self._effective[key] = merged
        return self._effective[key]

    def setting(self, domain: str, vmta: str, name: str) -> Any:
        """The value of one ``<domain>`` directive for a queue, its default, or None."""
        found = self.effective(domain, vmta).get(name)
        return found[0].args[0] if found else _default("domain", name)

    def source(self, peer: str, named: tuple[str, ...] = ()) -> dict[str, Any]:
        """The inbound policy for a peer address: IP entries from general to specific, then the named ones on top."""
        cache_key = "|".join((peer, *named))
        if cache_key not in self._sources:
            merged: dict[str, Any] = {}
            for block in [*self._by_address(peer), *(b for b in (self.named("source", n) for n in named) if b)]:
                merged.update({setting.name: setting.args[0] for setting in block.settings})
            if len(self._sources) > 10_000:
                self._sources.clear()
            self._sources[cache_key] = merged
        return self._sources[cache_key]

    def _by_address(self, peer: str) -> list[Block]:
        address = ipaddress.ip_address(peer)
        found = []
        for block in self.top.inside("source"):
            if block.name[0].isdigit() or ":" in block.name:
                network = ipaddress.ip_network(block.name)
                if network.version == address.version and address in network:
                    found.append((network.prefixlen, block))
        return [block for _, block in sorted(found, key=lambda pair: pair[0])]


_DEFAULTS: dict[tuple[str, str], Any] = {}


def _default(section: str, name: str) -> Any:
    if (section, name) not in _DEFAULTS:
        row = table.rows()[section, name]
        _DEFAULTS[section, name] = values.parse(row.type.split()[0], row.default) if row.default else None
    return _DEFAULTS[section, name]


def source_value(policy: dict[str, Any], name: str) -> Any:
    """A value of a merged source policy or the product's default."""
    return policy.get(name, _default("source", name))
