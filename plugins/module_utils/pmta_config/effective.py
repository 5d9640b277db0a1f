# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ``<domain>`` settings hold for a queue, and in which queue a domain's mail ends.

A queue is a recipient domain and a virtual MTA. Per directive the first of these that has it decides: the virtual MTA's own ``<domain>``
tags, those of its pools, the global ones; within each of them an exact name, a name reached through a macro, the longest ``*.`` or
``[*.]`` pattern, ``*``. That the order of patterns is so is documented; that the scope beats the pattern (a virtual MTA's
``<domain *>`` the global ``<domain gmail.com>``) is inferred. Lines of one directive in one tag stay together. A tag given twice is
read as one, its later lines winning.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Iterable, Iterator

from .parse import Resolver, parse
from .tokens import MACRO
from .tree import Config, Directive, Node, Section

DEFAULT_VMTA = "{default}"


class Effective:
    """One configuration, asked about queues.

    config: text, a parsed tree or built nodes. resolve: reads includes (see ``lint``); those it cannot read, and loops, are skipped.
    Names of domains, virtual MTAs and directives are lower case in every answer.
    """

    def __init__(self, config: str | Config | Iterable[Node], resolve: Resolver | None = None):
        if isinstance(config, str):
            config = parse(config)
        file = config.file if isinstance(config, Config) else "config"
        nodes = config.nodes if isinstance(config, Config) else config
        self._resolve = resolve
        self._macros: dict[str, list[str]] = {}
        self._rollups: list[tuple[str, str]] = []
        self._members: dict[str, list[str]] = {}
        self._sources: dict[str, list[str]] = {}
        tags: dict[str, list[tuple[Section, str]]] = {}
        virtual: list[tuple[Section, str]] = []
        for node, origin in self._flat(nodes, (file,)):
            if isinstance(node, Directive):
                if node.name.lower() == "domain-macro" and node.args:
                    self._macros[node.values[0].lower()] = _listed(" ".join(node.values[1:]))
            elif node.tag.lower() == "mx-rollup-list":
                self._rollups += [
                    (line.values[0].lower(), line.values[1].lower())
                    for line, _origin in self._flat(node.nodes, origin)
                    if isinstance(line, Directive) and line.name.lower() == "mx" and len(line.args) > 1
                ]
            elif node.tag.lower() in ("virtual-mta", "virtual-mta-pool"):
                virtual.append((node, origin))
            elif node.tag.lower() == "domain":
                tags.setdefault("", []).append((node, origin))
        self._global = self._scope(tags.get("", ()))
        self._vmtas: dict[str, _Scope] = {}
        self._pools: dict[str, _Scope] = {}
        for section, origin in virtual:
            is_pool = section.tag.lower() == "virtual-mta-pool"
            inside = list(self._flat(section.nodes, origin))
            scope = self._scope([(node, where) for node, where in inside if isinstance(node, Section)])
            known = self._pools if is_pool else self._vmtas
            name = section.value.lower()
            known[name] = known[name].joined(scope) if name in known else scope
            lines = [node for node, _where in inside if isinstance(node, Directive)]
            if is_pool:
                self._members.setdefault(name, []).extend(
                    node.values[0].lower() for node in lines if node.name.lower() == "virtual-mta" and node.args
                )
            else:
                self._sources.setdefault(name, []).extend(
                    " ".join(node.values) for node in lines if node.name.lower() == "smtp-source-host"
                )

    @property
    def vmtas(self) -> list[str]:
        """Names of the virtual MTAs, in file order, without ``{default}``."""
        return list(self._vmtas)

    @property
    def sources(self) -> dict[str, list[str]]:
        """Virtual MTA -> the arguments of each of its own ``smtp-source-host`` lines; none where it has none."""
        return {name: list(lines) for name, lines in self._sources.items()}

    def settings(
        self, queue_domain: str, vmta: str = DEFAULT_VMTA, pools: Iterable[str] | None = None
    ) -> dict[str, tuple[str, ...]]:
        """directive -> its values, one for each line, quotes resolved. ``("",)`` is a cleared one.

        queue_domain: the queue's own name, see `queue`. pools: those that count; None for all that hold the virtual MTA.
        """
        domain, name = queue_domain.lower(), vmta.lower()
        if pools is None:
            pools = [pool for pool, members in self._members.items() if name in members]
        scopes = [self._global, *(self._pools[pool.lower()] for pool in pools if pool.lower() in self._pools)]
        if name in self._vmtas:
            scopes.append(self._vmtas[name])
        merged: dict[str, tuple[str, ...]] = {}
        for scope in scopes:
            for one in scope.matching(domain):
                merged.update(one)
        return merged

    def queue(self, domain: str, mx: Iterable[str] = (), vmta: str = DEFAULT_VMTA) -> str:
        """The domain part of the queue in which mail for *domain* ends.

        mx: the names its MX records give. The first line of ``<mx-rollup-list>`` that matches one of them decides, unless
        ``disable-mx-rollup`` is set for the domain; then ``queue-to`` of what it became.
        """
        name = domain.lower()
        hosts = [host.rstrip(".").lower() for host in mx]
        if not name.startswith("[") and self.settings(name, vmta).get("disable-mx-rollup", ("no",))[-1].lower() not in (
            "yes",
            "true",
        ):
            for pattern, target in self._rollups:
                if any(fnmatch.fnmatchcase(host, pattern) for host in hosts):
                    name = target
                    break
        onward = self.settings(name, vmta).get("queue-to", ("",))[-1].lower()
        return onward or name

    def domains(self, pattern: str) -> list[str]:
        """What a domain pattern stands for when its macros are replaced; unknown macros and loops stand for nothing."""
        return self._expanded(pattern.lower(), ())

    def _expanded(self, pattern: str, seen: tuple[str, ...]) -> list[str]:
        found = MACRO.search(pattern)
        if not found:
            return [pattern]
        name = found[1]
        if name in seen:
            return []
        inner = [one for item in self._macros.get(name, ()) for one in self._expanded(item, (*seen, name))]
        return [
            one
            for item in inner
            for one in self._expanded(pattern[: found.start()] + item + pattern[found.end() :], seen)
        ]

    def _scope(self, tags: Iterable[tuple[Section, tuple[str, ...]]]) -> _Scope:
        scope = _Scope()
        for node, origin in tags:
            if node.tag.lower() != "domain":
                continue
            lines: dict[str, list[str]] = {}
            for line, _where in self._flat(node.nodes, origin):
                if isinstance(line, Directive):
                    lines.setdefault(line.name.lower(), []).append(" ".join(line.values))
            own = {name: tuple(values) for name, values in lines.items()}
            pattern = node.value.lower()
            for name in self.domains(pattern):
                scope.add(name, "$" in pattern, own)
        return scope

    def _flat(
        self, nodes: Iterable[Node], files: tuple[str, ...]
    ) -> Iterator[tuple[Directive | Section, tuple[str, ...]]]:
        """Directives and sections of one level, includes replaced by what they hold; with the chain of files that are open."""
        for node in nodes:
            if isinstance(node, Section):
                yield node, files
            elif isinstance(node, Directive):
                if node.name.lower() != "include" or not node.args:
                    yield node, files
                    continue
                for name, text in (self._resolve(node.values[0], files[-1]) if self._resolve else None) or ():
                    if name not in files:
                        yield from self._flat(parse(text, name).nodes, (*files, name))


class _Scope:
    """The ``<domain>`` tags of one level: rank -> pattern -> settings. A higher rank is more specific."""

    EVERY, SUFFIX, LITERAL, MACRO, EXACT = range(5)

    def __init__(self) -> None:
        # SUFFIX keys keep their marker: "*.a.b" or "[*.]a.b".
        self._tags: list[dict[str, dict[str, tuple[str, ...]]]] = [{} for _rank in range(5)]

    def add(self, pattern: str, by_macro: bool, settings: dict[str, tuple[str, ...]]) -> None:
        if pattern == "*":
            rank = self.EVERY
        elif pattern.startswith(("*.", "[*.]")):
            rank = self.SUFFIX
        elif pattern.startswith("["):
            rank = self.LITERAL
        else:
            rank = self.MACRO if by_macro else self.EXACT
        self._tags[rank].setdefault(pattern, {}).update(settings)

    def joined(self, other: _Scope) -> _Scope:
        for mine, theirs in zip(self._tags, other._tags):
            for pattern, settings in theirs.items():
                mine.setdefault(pattern, {}).update(settings)
        return self

    def matching(self, domain: str) -> Iterator[dict[str, tuple[str, ...]]]:
        """The settings of every tag that speaks about the domain, the most general first."""
        if "*" in self._tags[self.EVERY]:
            yield self._tags[self.EVERY]["*"]
        suffixes = self._tags[self.SUFFIX]
        if suffixes:
            labels = domain.split(".")
            for start in range(len(labels) - 1, -1, -1):
                rest = ".".join(labels[start:])
                # "*.a.b" does not hold a.b itself; where both match, it is the narrower one.
                for key in (f"[*.]{rest}", f"*.{rest}" if start else ""):
                    if key in suffixes:
                        yield suffixes[key]
        if domain.startswith("["):
            yield from self._literals(domain)
        for rank in (self.MACRO, self.EXACT):
            if domain in self._tags[rank]:
                yield self._tags[rank][domain]

    def _literals(self, domain: str) -> list[dict[str, tuple[str, ...]]]:
        try:
            text = domain.strip("[]")
            address = ipaddress.ip_address(text[5:] if text.startswith("ipv6:") else text)
        except ValueError:
            return []
        found = []
        for pattern, settings in self._tags[self.LITERAL].items():
            try:
                network = _network(pattern.strip("[]"))
            except ValueError:
                continue
            if network.version == address.version and address in network:
                found.append((network.prefixlen, settings))
        return [settings for _length, settings in sorted(found, key=lambda pair: pair[0])]


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Of a CIDR as PowerMTA takes it: ``10/8`` is ``10.0.0.0/8``."""
    address, slash, length = text.partition("/")
    if slash and ":" not in address:
        address += ".0" * (3 - address.count("."))
    return ipaddress.ip_network(address + slash + length, strict=False)


def _listed(text: str) -> list[str]:
    return [one.lower() for one in text.replace(",", " ").split()]
