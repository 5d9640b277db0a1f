# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A history in a file, CSV or JSON: a row for each day and provider."""

from __future__ import annotations

import csv
import json
import typing as t
from datetime import date

from ..problems import FleetError, Problem
from .days import Day, Provider

#: Columns of a row. Those of the first line have to be there; of the others an empty or missing one is 0, or "no data".
NEEDED = ("day", "first", "delivered_24h")
COUNTS = ("attempts", "delivered", "deferred", "bounced")
FED = ("complaints", "opens")
_KNOWN = (*NEEDED, "provider", *COUNTS, *FED)
_SHOWN = 25


def read_history(text: str) -> list[Day]:
    """The days of a file. Attempts that are not given are the first ones; delivered ones that are not given, those within 24 hours.

    Raises FleetError with every problem; ``where`` is the line, or the number of the object.
    """
    rows, what = _rows(text)
    problems: list[Problem] = []
    days: dict[date, Day] = {}
    for number, row in rows:
        where = f"{what} {number}"
        found = _day(where, row, problems)
        if found is None:
            continue
        when, name, first, delivered, part = found
        day = days.get(when, Day(when, providers={}))
        if name in day.providers:
            problems.append(
                Problem(where, f"{when} {name} is there already", "Keep one row for each day and provider.")
            )
            continue
        days[when] = Day(
            when,
            day.first + first,
            day.delivered + delivered,
            day.attempts + part.attempts,
            {**day.providers, name: part},
        )
    if not rows:
        problems.append(
            Problem("history", "has no rows", f"Give the columns {', '.join(NEEDED)} and a row for each day.")
        )
    if problems:
        raise FleetError(problems[:_SHOWN])
    return [day for _unused, day in sorted(days.items())]


def _rows(text: str) -> tuple[list[tuple[int, t.Mapping]], str]:
    if not text.lstrip().startswith(("[", "{")):
        reader = csv.DictReader(text.splitlines(keepends=True), restkey="", strict=True)
        try:
            return [(reader.line_num, row) for row in reader], "line"
        except csv.Error as error:
            raise FleetError([Problem(f"line {reader.line_num}", f"is no CSV: {error}", "Mend the line.")]) from error
    try:
        found = json.loads(text)
    except ValueError as error:
        raise FleetError([Problem("history", f"is no JSON: {error}", "Give a list of objects, or CSV.")]) from error
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise FleetError([Problem("history", "is no list of objects", 'Write [{"day": ..., "first": ...}, ...].')])
    return list(enumerate(found, 1)), "row"


def _day(where: str, row: t.Mapping, problems: list[Problem]) -> tuple[date, str, int, int, Provider] | None:
    before = len(problems)
    unknown = sorted(str(key) for key in row if key not in _KNOWN)
    if unknown:
        problems.append(Problem(where, f"has unknown columns: {', '.join(unknown)}", f"Known: {', '.join(_KNOWN)}."))
    try:
        when = date.fromisoformat(str(row.get("day")))
    except ValueError:
        problems.append(Problem(f"{where}, day", f"{row.get('day')!r} is no date", "Write it as 2026-01-31."))
        when = date.min
    first, delivered = (_count(where, row, name, problems, None) for name in NEEDED[1:])
    for name, value in zip(NEEDED[1:], (first, delivered)):
        if value is None:
            problems.append(Problem(f"{where}, {name}", "is missing", "Give a whole number."))
    counts = [_count(where, row, name, problems, default) for name, default in zip(COUNTS, (first, delivered, 0, 0))]
    fed = [_count(where, row, name, problems, None) for name in FED]
    if len(problems) > before:
        return None
    return (
        when,
        str(row.get("provider") or "all"),
        first or 0,
        delivered or 0,
        Provider(*(n or 0 for n in counts), *fed),
    )


def _count(where: str, row: t.Mapping, name: str, problems: list[Problem], default: int | None) -> int | None:
    value = row.get(name)
    if value is None or value == "":
        return default
    text = str(value).strip()
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 15:
        problems.append(Problem(f"{where}, {name}", f"{value!r} is no whole number", "Give 0 or more."))
        return default
    return int(text)
