# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ``<domain>`` tags of one scope speak about a recipient domain, the most specific first."""

from __future__ import annotations

import ipaddress
import re

from .errors import ConfigError, ValueRefused
from .tree import Block


class Macros:
    """``domain-macro`` lines; a loop or an unknown macro is a load error."""

    def __init__(self, top: Block) -> None:
        self._lists: dict[str, list[str]] = {}
        for setting in top.all("domain-macro"):
            name, domains = setting.args
            if name in self._lists:
                raise ConfigError(f"domain-macro {name} was already given", setting.path, setting.line)
            self._lists[name] = domains
        for setting in top.all("domain-macro"):
            try:
                self.expand("$" + setting.args[0])
            except ValueRefused as problem:
                raise ConfigError(str(problem), setting.path, setting.line) from None

    def expand(self, text: str, seen: tuple[str, ...] = ()) -> list[str]:
        """``yahoo.$tld`` -> yahoo.com, yahoo.fr; text without a macro stands for itself."""
        found = re.search(r"\$([A-Za-z0-9_]+)", text)
        if not found:
            if "$" in text:
                raise ValueRefused(f"malformed macro: {text}")
            return [text.lower()]
        name = found[1]
        if name in seen:
            raise ValueRefused(f"domain-macro loop: {' -> '.join((*seen, name))}")
        if name not in self._lists:
            raise ValueRefused(f"undefined macro: ${name}")
        inner = [one for item in self._lists[name] for one in self.expand(item, (*seen, name))]
        return [one for item in inner for one in self.expand(text[: found.start()] + item + text[found.end() :], seen)]


def matches(pattern: str, domain: str) -> bool:
    """A domain pattern of ``relay-domain``, ``from-domain`` and the like against a domain."""
    if pattern == "*":
        return True
    if pattern.startswith("[*.]"):
        return domain == pattern[4:] or domain.endswith("." + pattern[4:])
    if pattern.startswith("*."):
        return domain.endswith(pattern[1:])
    if pattern.startswith("["):
        return domain.startswith("[") and _literal_in(domain, pattern)
    return domain == pattern


def _literal_in(domain: str, pattern: str) -> bool:
    try:
        return ipaddress.ip_address(domain.strip("[]").removeprefix("IPv6:")) in ipaddress.ip_network(
            pattern.strip("[]")
        )
    except ValueError:
        return False


class DomainTable:
    """The ``<domain>`` tags of one scope: exact names before macros, longer suffixes before shorter, ``*`` last."""

    def __init__(self, blocks: list[Block], macros: Macros) -> None:
        self._exact: dict[str, Block] = {}
        self._by_macro: dict[str, Block] = {}
        self._suffix: dict[str, Block] = {}
        self._literal: list[Block] = []
        self._any: Block | None = None
        for block in blocks:
            self._add(block, macros)

    def _add(self, block: Block, macros: Macros) -> None:
        name = block.name
        if name == "*":
            self._any = block
        elif "$" in name:
            try:
                domains = macros.expand(name)
            except ValueRefused as problem:
                raise ConfigError(str(problem), block.path, block.line) from None
            for domain in domains:
                if domain in self._by_macro:
                    raise ConfigError(f"{domain} is reached through two macros", block.path, block.line)
                self._by_macro[domain] = block
        elif name.startswith(("[*.]", "*.")):
            self._suffix[name] = block
        elif name.startswith("["):
            self._literal.append(block)
        else:
            self._exact[name.lower()] = block

    def lookup(self, domain: str) -> list[Block]:
        """Every tag that matches, the most specific first."""
        found = [table[domain] for table in (self._exact, self._by_macro) if domain in table]
        if self._suffix:
            labels = domain.split(".")
            for start in range(len(labels)):
                suffix = ".".join(labels[start:])
                keys = ([] if start == 0 else ["*." + suffix]) + ["[*.]" + suffix]
                found += [self._suffix[key] for key in keys if key in self._suffix]
        found += [block for block in self._literal if matches(block.name, domain)]
        return found + ([self._any] if self._any else [])
