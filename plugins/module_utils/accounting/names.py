# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of accounting files: ``acct-2026-01-05-0003.csv`` is number 3 of its day, of what is configured as ``acct.csv``."""

from __future__ import annotations

import re
import typing as t

_NUMBERED = re.compile(r"-(\d{4}-\d\d-\d\d)-(\d{4,})(?=\.|$)", re.ASCII)
_SHOWN = 5


class Numbered(t.NamedTuple):
    day: str
    number: int


def numbered(name: str, stem: str) -> Numbered | None:
    """Day and number of the file *name*. stem: of the configured name, ``acct``."""
    found = _NUMBERED.match(name, len(stem)) if name.startswith(stem) else None
    return Numbered(found[1], int(found[2])) if found else None


def gaps(stem: str, extension: str, seen: t.Collection[str], known: t.Collection[str], recent: str) -> list[str]:
    """What is missing in the sequences, as sentences.

    seen: names that are there now; known: names that were read before, and may be gone since; recent: the day before today. PowerMTA
    deletes old files one by one, so an older day may lack those before the first that is left, and a first look finds a day that
    begins late. Days of which nothing is there any more are left.
    """
    here, read = _by_day(seen, stem), _by_day(known, stem)
    first = min({*here, *read}, default="")
    found = []
    for day in sorted(here):
        numbers = here[day] | read.get(day, set())
        start = 0 if day >= recent and day != first else min(here[day])
        missing = sorted(set(range(start, max(numbers))) - numbers)
        if missing:
            shown = ", ".join(f"{stem}-{day}-{number:04d}{extension}" for number in missing[:_SHOWN])
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            found.append(f"never seen: {shown}{more}")
    if read and here:
        day = max(read)
        last, begin = Numbered(day, max(read[day])), min(Numbered(one, min(here[one])) for one in here)
        # The last file that was read may have gone on after that.
        if last < begin:
            found.append(
                f"{stem}-{last.day}-{last.number:04d}{extension} is gone: what came after it until {begin.day} may be lost"
            )
    return found


def _by_day(names: t.Iterable[str], stem: str) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for one in (numbered(name, stem) for name in names):
        if one:
            found.setdefault(one.day, set()).add(one.number)
    return found
