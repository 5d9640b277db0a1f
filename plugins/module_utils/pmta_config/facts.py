# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration defines and uses, collected in one walk; the rules that need the whole picture read it."""

from __future__ import annotations

from typing import NamedTuple

from .tree import Directive, Section

_YES = frozenset(("yes", "true"))


class Place(NamedTuple):
    """A word of a node: index 0 is the name or tag, 1 the first argument. order: position in the whole reading order."""

    file: str
    node: Directive | Section
    index: int = 0
    order: int = 0


class Use(NamedTuple):
    """A name used as a reference. kind: "vmta" (a VMTA or pool), "member" (a VMTA only), "source", "pattern-list", ...

    Flat, because a large file has tens of thousands of them.
    """

    kind: str
    name: str
    file: str
    node: Directive | Section
    index: int
    order: int

    @property
    def place(self) -> Place:
        return Place(self.file, self.node, self.index, self.order)


class Key(NamedTuple):
    """A domain-key line."""

    selector: str
    domain: str
    path: str
    place: Place


class Setting(NamedTuple):
    """One directive with the sections around it, outermost first."""

    directive: Directive
    around: tuple[Section, ...]
    place: Place


# A directive that was read without fault: lower-case name as the table has it, the node, and the file it stands in.
Line = tuple[str, Directive, str]


class Held(NamedTuple):
    """A section with the directives directly in it, those of included files too. name: lower case."""

    tag: str
    name: str
    node: Section | None
    around: tuple[Section, ...]
    file: str
    lines: list[Line]

    def last(self, name: str) -> Line | None:
        """The line that counts of a directive that may stand once: the last one."""
        for line in reversed(self.lines):
            if line[0] == name:
                return line
        return None

    def all(self, *names: str) -> list[Line]:
        return [line for line in self.lines if line[0] in names]

    def value(self, name: str) -> str | None:
        """First value of `last`, lower case; None without such a line, "" without a value."""
        line = self.last(name)
        return None if line is None else (line[1].values or ("",))[0].lower()

    def yes(self, name: str) -> bool:
        return self.value(name) in _YES

    @property
    def place(self) -> Place:
        """The opening tag's name, or the tag where it has none."""
        return Place(self.file, self.node, 1 if self.node.name else 0)

    @property
    def scope(self) -> tuple[str, str]:
        """Tag and name of the section around; ("", "") at global level."""
        return (self.around[-1].tag.lower(), self.around[-1].value.lower()) if self.around else ("", "")


def at(line: Line, index: int = 0) -> Place:
    return Place(line[2], line[1], index)


class Facts:
    """Names are lower case: directive and tag names look case-insensitive, and whether VMTA names are is not stated."""

    def __init__(self) -> None:
        # kind -> name -> first place
        self.defined: dict[str, dict[str, Place]] = {}
        self.uses: list[Use] = []
        self.keys: list[Key] = []
        self.macros: dict[str, tuple[list[str], Place]] = {}
        self.settings: dict[str, list[Setting]] = {}
        # pool -> (members, whether it holds <domain> tags, place)
        self.pools: dict[str, tuple[list[str], bool, Place]] = {}
        self.spools: int = 0
        # virtual MTAs with an address of their own; "" when the global level has one
        self.addressed: set[str] = set()
        # (address:port, source, place) of each listener that names a source
        self.listeners: list[tuple[str, str, Place]] = []
        # tag -> its sections in reading order; "global" has one entry, the lines outside every section
        self.sections: dict[str, list[Held]] = {"global": [Held("global", "", None, (), "", [])]}
        # macro -> what it stands for, other macros as $name
        self.macro_items: dict[str, list[str]] = {}
        # An include that could not be read may define anything.
        self.complete = True
        self.whole = False

    def define(self, kind: str, name: str, place: Place) -> Place | None:
        """Remember a definition; the earlier one if there is one."""
        known = self.defined.setdefault(kind, {})
        key = name.lower()
        if key in known:
            return known[key]
        known[key] = place
        return None

    def has(self, kind: str, name: str) -> bool:
        return name.lower() in self.defined.get(kind, ())

    def held(self, tag: str) -> list[Held]:
        """Every section of a tag."""
        return self.sections.get(tag, [])

    @property
    def top(self) -> Held:
        """The lines outside every section."""
        return self.sections["global"][0]

    def of(self, name: str) -> list[Setting]:
        """Every line of one of the directives that rules ask about."""
        return self.settings.get(name, [])


def on(setting: Setting) -> bool:
    """Whether a boolean directive says yes."""
    return bool(setting.directive.args) and setting.directive.values[0].lower() in _YES


def around_name(around: tuple[Section, ...]) -> str:
    """Name of the innermost section, lower case; "" at global level."""
    return around[-1].value.lower() if around else ""
