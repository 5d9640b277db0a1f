# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parsed configuration: blocks that hold settings and blocks, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Setting:
    """One directive line: ``args`` are the parsed values, ``raw`` the text as written. ``inner`` is a nested pattern list."""

    name: str
    args: list[Any]
    raw: str
    path: str
    line: int
    order: int
    inner: Block | None = None


@dataclass
class Block:
    tag: str
    name: str
    path: str
    line: int
    order: int
    settings: list[Setting] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def get(self, name: str) -> Any:
        """The first argument of a directive that may stand once, or None."""
        for setting in self.settings:
            if setting.name == name:
                return setting.args[0] if setting.args else None
        return None

    def all(self, name: str) -> list[Setting]:
        return [setting for setting in self.settings if setting.name == name]

    def inside(self, tag: str) -> list[Block]:
        return [block for block in self.blocks if block.tag == tag]

    def walk(self) -> Iterator[Block]:
        yield self
        for block in self.blocks:
            yield from block.walk()
        for setting in self.settings:
            if setting.inner:
                yield from setting.inner.walk()
