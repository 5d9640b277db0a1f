# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounting files: what was delivered and bounced, for as long as somebody needs to know."""

from __future__ import annotations

from .. import values
from ..facts import Facts, Held, at
from ..finding import WARNING, Report, Rule

RULES = {
    "acct-move-interval": Rule(
        WARNING,
        "move-interval is ignored without move-to: the file is never moved, and after delete-after (8 days by default) it is gone.",
        "Add move-to DIRECTORY on the same volume, or remove move-interval",
    ),
    "acct-deleted": Rule(
        WARNING,
        "Accounting files are deleted after delete-after, 8 days by default. Mail waits 4 days and 12 hours by default: records of its"
        " attempts must outlive it, and whoever imports them may be down for some days.",
        "Set delete-after to at least 8d, or move-to to keep the files",
    ),
    "acct-pipe-alone": Rule(
        WARNING,
        "When the program behind a pipe fails, its records are lost until it is started again. The guide advises a file beside it to"
        " recover from.",
        "Add an <acct-file PATH> with the same records",
    ),
    "acct-fields-implicit": Rule(
        WARNING,
        "The default fields and their order change with the version and with the record types in the file: a reader by position then"
        " reads other columns.",
        "Add record-fields for each record type, and read by the header line",
    ),
}

SHORTEST = 5 * 86400


def judge(facts: Facts, report: Report) -> None:
    files = facts.held("acct-file")
    plain = [held for held in files if held.name[:1] != "|"]
    kept = [held for held in plain if held.last("delete-after") or held.last("move-to")]
    for held in plain:
        moved, interval, deleted = held.last("move-to"), held.last("move-interval"), held.last("delete-after")
        if interval and not moved:
            report("acct-move-interval", at(interval), "move-interval without move-to does nothing")
        if moved:
            continue
        if deleted is None:
            if kept:
                report(
                    "acct-deleted",
                    held.place,
                    "deleted after 8 days, unlike the files that say otherwise",
                )
        elif deleted[1].values[0].lower() != "never" and values.seconds(deleted[1].values[0]) < SHORTEST:
            report("acct-deleted", at(deleted), f"deleted after {deleted[1].values[0]}")
    for held in files:
        if held.name[:1] != "|":
            continue
        if facts.complete and not any(_types(held) <= _types(other) for other in plain):
            report(
                "acct-pipe-alone",
                held.place,
                "no accounting file holds the records of this pipe",
            )
        fields(held, report)


def fields(held: Held, report: Report) -> None:
    """A program reads these: every type it gets must have its fields named."""
    named: set[str] = set()
    for line in held.all("record-fields"):
        named |= _short(line[1].values[0])
    missing = sorted(_types(held) - named)
    if missing:
        where = held.last("records")
        report(
            "acct-fields-implicit",
            at(where) if where else held.place,
            f"a program reads this, and record-fields does not name the fields of {', '.join(missing)}",
        )


_SHORT = {long: short for short, long in values.RECORD_TYPES.items()}


def _short(text: str) -> set[str]:
    return {_SHORT.get(item.strip().lower(), item.strip().lower()) for item in text.split(",")}


def _types(held: Held) -> set[str]:
    found = {"d", "b"}
    line = held.last("records")
    return found if line is None else _short(",".join(values.items(line[1].args)))
