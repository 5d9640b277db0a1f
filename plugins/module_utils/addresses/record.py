# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host was told to own, as it is remembered on the host (JSON)."""

from __future__ import annotations

import json
import typing as t
from dataclasses import asdict, dataclass

VERSION = 1


@dataclass(frozen=True)
class Entry:
    """One address. ours: we bound it, so we may take it away; otherwise something else on the host did, and we only watch it."""

    ip: str
    interface: str
    gateway: str | None = None
    table: int | None = None
    ours: bool = True


@dataclass(frozen=True)
class Record:
    """wanted: to be kept bound. leaving: no longer wanted, and perhaps not all taken away yet (a run was cut off)."""

    wanted: tuple[Entry, ...] = ()
    leaving: tuple[Entry, ...] = ()

    def all(self) -> tuple[Entry, ...]:
        """Everything that may be on the host because of us."""
        return self.wanted + self.leaving


def dump(record: Record) -> str:
    """The file's text: one address a line, so that a diff of it can be read."""

    def lines(entries: t.Iterable[Entry]) -> str:
        return ",".join("\n    " + json.dumps(asdict(entry), sort_keys=True) for entry in entries)

    return f'{{\n  "version": {VERSION},\n  "wanted": [{lines(record.wanted)}],\n  "leaving": [{lines(record.leaving)}]\n}}\n'


def load(text: str) -> Record:
    """Raises ValueError for a text that ``dump`` did not write."""
    try:
        data = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']!r}, expected {VERSION}")
        return Record(
            wanted=tuple(Entry(**entry) for entry in data["wanted"]),
            leaving=tuple(Entry(**entry) for entry in data["leaving"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a record of addresses: {error!r}") from error
