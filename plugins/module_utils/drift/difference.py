# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One difference, one thing that could not be looked at, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

IN_SYNC, DRIFT, UNKNOWN = "in_sync", "drift", "unknown"

_SITE = "Run site.yml; it replaces the file"
_LOAD = "The file on disk is right: pmta reload"
_FILE = "Mend the file first (its own differences are listed): run site.yml"

# What each kind asks for, unless a difference says it better. docs/runbooks/drift.md explains each.
DIFFERENCES = {
    "file-missing": "Run site.yml; it writes the file",
    "file-syntax": f"This line is not PowerMTA's language and the next start may fail on it. {_SITE}",
    "file-value": _SITE,
    "file-line-missing": _SITE,
    "file-line-extra": _SITE,
    "file-order": f"Here the first match wins, so order matters. {_SITE}",
    "file-text": f"Only comments, blanks, spelling or the order of sections differ. {_SITE}",
    "file-header": f"The first line records what was applied. {_SITE}",
    "file-mode": "Run site.yml; it puts owner, group and mode back",
    "section-missing": _SITE,
    "section-extra": _SITE,
    "section-twice": f"Whether PowerMTA merges or replaces a repeated section is not documented. {_SITE}",
    "secrets-missing": "Run site.yml; it writes the file",
    "secrets-differ": "What differs is not shown. Compare with the vault, then run site.yml",
    "record-unfinished": "A run was killed half-way. Run site.yml; it puts the last good files back first",
    "record-senders": "The inventory changed since it was applied: run site.yml",
    "stop-unrecorded": "A restart of PowerMTA would not pause it again: run site.yml",
    "stop-recorded": "Run site.yml; it lifts the stop",
    "vmta-missing": "Run site.yml",
    "vmta-extra": "Mail in it would be bounced when it goes (5.3.5): see pmta show vmtas, then run site.yml",
    "setting-not-loaded": _LOAD,
    "setting-from-file": _FILE,
    "setting-other": "Neither the file nor the fleet document says so: run site.yml, then pmta reload if it changed nothing",
    "pause-missing": "Run site.yml, or pause it now",
    "pause-extra": "If nobody means to hold this mail, resume it; if it is meant to last, record the stop (runbook stop-a-sender)",
    "source-disabled": "A reply pattern or a person did this. Look into PowerMTA's log; enable it when the reason is gone",
}
UNKNOWNS = {
    "not-installed": "Install PowerMTA: run site.yml",
    "not-running": "See journalctl -u pmta and pmta-startuperr.log; site.yml starts it",
    "converging": "Run again when it has ended",
    "unreadable-file": "Repair the file system, or run with become: true",
    "unreadable-record": "Repair or restore the file; what it stopped must stay stopped",
    "unreadable-vmtas": "Look at the answer by hand",
    "unreadable-queues": "Look at the answer by hand",
    "unreadable-sources": "Look at the answer by hand",
    "unreadable-settings": "Look at the answer by hand",
    "unreadable-rates": "Look at the answer by hand; limits of a whole virtual MTA cannot be read in every version",
    "not-asked": "Raise max_questions; the next run asks others first",
}


class Difference(NamedTuple):
    """kind: a key of DIFFERENCES. what: the directive or thing; where: file:line, queue or virtual MTA.

    wanted, found: as the file or PowerMTA says it; None where there is nothing on that side. Secrets are never in it.
    """

    kind: str
    what: str
    where: str
    wanted: str | None
    found: str | None
    remedy: str

    def as_dict(self) -> dict:
        return {**self._asdict(), "message": str(self)}

    def __str__(self) -> str:
        wanted = "nothing" if self.wanted is None else self.wanted
        found = "nothing" if self.found is None else self.found
        return f"{self.where}: {self.what} wanted {wanted}, found {found} ({self.kind}). {self.remedy}"


class Unknown(NamedTuple):
    """Something that was not looked at, or whose answer nobody can read. kind: a key of UNKNOWNS."""

    kind: str
    where: str
    why: str
    remedy: str

    def as_dict(self) -> dict:
        return {**self._asdict(), "message": str(self)}

    def __str__(self) -> str:
        return f"{self.where}: unknown, {self.why} ({self.kind}). {self.remedy}"


def difference(
    kind: str, what: str, where: str, wanted: str | None, found: str | None, remedy: str | None = None
) -> Difference:
    return Difference(kind, what, where, wanted, found, remedy or DIFFERENCES[kind])


def unknown(kind: str, where: str, why: str) -> Unknown:
    return Unknown(kind, where, why, UNKNOWNS[kind])


def verdict(differences: Iterable[Difference], unknowns: Iterable[Unknown]) -> str:
    """A difference is one even where other things are unknown; what is unknown is never "in sync"."""
    if list(differences):
        return DRIFT
    return UNKNOWN if list(unknowns) else IN_SYNC
