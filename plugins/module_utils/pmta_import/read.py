# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration and what it includes as one tree, in which each node knows its file."""

from __future__ import annotations

import typing as t

from ..pmta_config import Config, Directive, Finding, Node, Section, parse
from ..problems import FleetError, Problem

DEEPEST_INCLUDE = 20


class Unread(Exception):
    """Why an include cannot be read; raised by the resolver that is given to `read`."""


class Item(t.NamedTuple):
    """A node, the file it stands in, and what stands inside it: lines of a section, or of the files an include names."""

    file: str
    node: Node
    inside: list[Item]

    @property
    def included(self) -> bool:
        return isinstance(self.node, Directive) and self.node.name.lower() == "include"


class Source(t.NamedTuple):
    """items: the tree. files: every file, in reading order. findings: what the parser found in them."""

    items: list[Item]
    files: list[str]
    findings: list[Finding]


def read(text: str, file: str, resolve: t.Callable[[str, str], list[tuple[str, str]] | None]) -> Source:
    """Raises FleetError with every include that cannot be read or includes itself.

    resolve: given the pattern and the file it stands in, name and text of each file; raises `Unread` or gives None for one it cannot read.
    """
    problems: list[Problem] = []
    files: list[str] = []
    findings: list[Finding] = []

    def opened(config: Config, chain: tuple[str, ...]) -> list[Item]:
        if config.file not in files:
            files.append(config.file)
            findings.extend(config.findings)
        return level(config.nodes, chain)

    def level(nodes: t.Iterable[Node], chain: tuple[str, ...]) -> list[Item]:
        items = []
        for node in nodes:
            item = Item(chain[-1], node, [])
            if isinstance(node, Section):
                item.inside.extend(level(node.nodes, chain))
            elif item.included and node.args:
                item.inside.extend(included(node, chain))
            items.append(item)
        return items

    def included(node: Directive, chain: tuple[str, ...]) -> list[Item]:
        where, pattern = f"{chain[-1]}:{node.line}", node.values[0]
        try:
            texts, why = resolve(pattern, chain[-1]), "it cannot be read"
        except Unread as error:
            texts, why = None, str(error)
        if texts is None:
            problems.append(
                Problem(
                    where,
                    f"include {pattern}: {why}",
                    "Copy the file along with the configuration (import_config_home says where it stood), or remove the line.",
                )
            )
            return []
        items = []
        for name, content in texts:
            if name in chain or len(chain) > DEEPEST_INCLUDE:
                problems.append(
                    Problem(
                        where, f"{name} includes itself: {' -> '.join((*chain, name))}", "Remove one of the includes."
                    )
                )
                continue
            items += opened(parse(content, name), (*chain, name))
        return items

    items = opened(parse(text, file), (file,))
    if problems:
        raise FleetError(problems)
    return Source(items, files, findings)


def flat(items: t.Iterable[Item]) -> t.Iterator[Item]:
    """The nodes of one level, each include followed by what it holds."""
    for item in items:
        yield item
        if item.included:
            yield from flat(item.inside)
