# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How old an inventory is: of two checkouts, which one says the last word."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timezone

from ..problems import FleetError, Problem

#: In the inventory's directory where a copy of it was brought to another computer.
RECORD = ".email-engine-revision.json"


class Revision(t.NamedTuple):
    """revision: the commit, or words that say why there is none. made_at: when it was last changed. dirty: not as committed."""

    revision: str
    made_at: datetime
    dirty: bool


def decide(commit: tuple[str, int] | None, edited: t.Sequence[float], now: float) -> Revision:
    """commit: hash and time of the last one that changed the inventory. edited: when the files last changed that differ from it, or all files where
    there is no commit. Times in seconds since 1970. A time to come counts as now: else every later change would count as older.
    """
    name, committed = commit or ("uncommitted", 0)
    last = min(now, max([committed, *edited]))
    made_at = datetime.fromtimestamp(last, timezone.utc)
    return Revision(f"{name}-dirty" if commit and edited else name, made_at, bool(edited) and commit is not None)


def recorded(text: str, where: str) -> Revision:
    """What stands in the file RECORD. Raises FleetError for anything else: an inventory of unknown age must not be declared."""
    try:
        found = json.loads(text)
        revision, made_at = found["revision"], datetime.fromisoformat(found["made_at"])
        if not isinstance(revision, str) or made_at.tzinfo is None:
            raise ValueError("no revision, or a time without a zone")
    except (ValueError, KeyError, TypeError) as error:
        what = f"does not say how old this inventory is ({type(error).__name__}: {error})"
        raise FleetError([Problem(where, what, "Bring the inventory here again: run engine.yml.")]) from error
    return Revision(revision, made_at, revision.endswith("-dirty"))
