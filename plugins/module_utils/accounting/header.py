# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The header line of an accounting file. Columns are found by name: their order changes with `record-fields` and with the version."""

from __future__ import annotations

import csv
import typing as t

from ..problems import FleetError, Problem

#: Record types and their long names, as `records` takes both.
TYPES = {
    "d": "delivery", "b": "bounce", "t": "transient", "tq": "transient-queue", "r": "receipt", "rb": "remote-bounce",
    "rs": "remote-status", "f": "feedback-loop",
}  # fmt: skip
_SHORT = {long: short for short, long in TYPES.items()}

_SENT = ("timeQueued", "orig", "rcpt", "vmta")
_REFUSED = (*_SENT, "dsnStatus", "dsnDiag", "dsnMta", "bounceCat")
#: What each type that is counted needs beside type and timeLogged. All of it is among PowerMTA's default fields.
REQUIRED: dict[str, tuple[str, ...]] = {
    "d": _SENT,
    "b": _REFUSED,
    "t": _REFUSED,
    "rb": ("orig", "rcpt", "dsnStatus", "bounceCat"),
    "f": ("orig", "rcpt", "dlvSourceIp"),
}
#: Types that say nothing which is summed: receipts, connections that failed, reports of a delay.
IGNORED = frozenset(TYPES) - frozenset(REQUIRED)


class Header(t.NamedTuple):
    """columns: position by name. width: how many there are."""

    columns: dict[str, int]
    width: int


def counted(files: t.Mapping[str, t.Mapping]) -> dict[str, tuple[str, ...]]:
    """Path of an accounting file, as configured -> the types that are counted from it.

    files: path -> its directives, as ``powermta_accounting`` has them. PowerMTA writes a row into every file that wants its type: the
    first one named counts. Raises FleetError for a type that PowerMTA does not know.
    """
    taken: set[str] = set()
    found = {}
    for path, directives in files.items():
        if path.startswith("|"):
            continue
        named = {str(key).lower(): value for key, value in (directives or {}).items()}
        records = named.get("records") or "d,b"
        kinds = records if isinstance(records, (list, tuple)) else str(records).split(",")
        kinds = [_SHORT.get(one.strip().lower(), one.strip().lower()) for one in kinds]
        strange = sorted(set(kinds) - set(TYPES))
        if strange:
            what = f"records names {', '.join(strange)}, which is no record type"
            raise FleetError([Problem(path, what, f"Known are {', '.join(TYPES)}.")])
        found[path] = tuple(kind for kind in dict.fromkeys(kinds) if kind in REQUIRED and kind not in taken)
        taken |= set(found[path])
    return found


def _names(line: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n").lstrip("\ufeff")], strict=True), [])
    except csv.Error:
        return []


def is_header(line: str) -> bool:
    """Whether it is one of an accounting file at all, whatever it lacks."""
    return {"type", "timeLogged"} <= set(_names(line))


def read_header(line: str, kinds: t.Iterable[str], where: str) -> Header:
    """Raises FleetError, naming file and column, where rows of *kinds* could not be read by it."""
    names = _names(line)
    if not is_header(line):
        what = "its first line is no header of an accounting file: there are no columns type and timeLogged"
        raise FleetError([Problem(where, what, "Move it elsewhere, or name type and timeLogged in its record-fields.")])
    twice = sorted({name for name in names if names.count(name) > 1})
    missing = {kind: [one for one in REQUIRED[kind] if one not in names] for kind in kinds}
    problems = [
        Problem(where, f"{', '.join(lacking)} missing, which rows of type {kind} need", "Add to its record-fields.")
        for kind, lacking in missing.items()
        if lacking
    ]
    if twice:
        problems.append(Problem(where, f"{', '.join(twice)} twice in its header", "Name each field once."))
    if problems:
        raise FleetError(problems)
    return Header({name: number for number, name in enumerate(names)}, len(names))
