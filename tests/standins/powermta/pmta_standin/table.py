# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directive table (``directives.csv``) and the table of sections, both written from the reference's text."""

from __future__ import annotations

import csv
import functools
import os
from typing import NamedTuple


class Directive(NamedTuple):
    section: str
    name: str
    type: str
    repeatable: bool
    default: str
    status: str
    acted: bool

    @property
    def refused(self) -> str:
        """Why release 5.0r8 does not take it, or an empty string."""
        return self.status[len("refused: ") :] if self.status.startswith("refused: ") else ""


class Section(NamedTuple):
    """``name``: none, name, name?, vmta, source, user, path, pipe-or-path, listener, domain, ip-listener."""

    parents: tuple[str, ...]
    name: str
    includes: bool = False


SECTIONS = {
    "source": Section(("global",), "source", True),
    "source-group": Section(("global",), "name"),
    "smtp-user": Section(("global",), "user"),
    "smtp-listener": Section(("global",), "listener"),
    "virtual-mta": Section(("global",), "vmta", True),
    "virtual-mta-pool": Section(("global",), "vmta"),
    "domain": Section(("global", "virtual-mta", "virtual-mta-pool"), "domain", True),
    "pattern-list": Section(("global",), "name"),
    "smtp-pattern-list": Section(("global",), "name", True),
    "bounce-category-patterns": Section(("global",), "none"),
    "mx-rollup-list": Section(("global",), "none"),
    "acct-file": Section(("global",), "pipe-or-path"),
    "spool": Section(("global",), "directory"),
    "bounce-processor": Section(("global",), "none"),
    "feedback-loop-processor": Section(("global",), "none"),
    "address-list": Section(("global", "bounce-processor", "feedback-loop-processor"), "name?"),
    "email-patterns": Section(("bounce-processor", "feedback-loop-processor"), "none"),
    "rewrite-list": Section(("global",), "name"),
    "domain-key-list": Section(("global",), "name"),
    "aliases": Section(("global",), "none"),
    "dns": Section(("global",), "none"),
    "proxy": Section(("global",), "name"),
    "vault": Section(("global",), "none"),
    "signals": Section(("global",), "none"),
    "signals-filter": Section(("global",), "name"),
    "transmissions-api": Section(("global",), "none"),
    "transmissions-api-listener": Section(("global",), "listener"),
}


@functools.cache
def rows() -> dict[tuple[str, str], Directive]:
    """Every row of the table, the refused ones too, by (section, directive)."""
    path = os.path.join(os.path.dirname(__file__), "directives.csv")
    with open(path, encoding="utf-8", newline="") as source:
        return {
            (row["section"], row["directive"]): Directive(
                row["section"],
                row["directive"],
                row["type"],
                row["repeatable"] == "yes",
                row["default"],
                row["status"],
                row["acted"] == "yes",
            )
            for row in csv.DictReader(source)
        }


def directives() -> dict[tuple[str, str], str]:
    """What the stand-in accepts: (section, directive) -> value type."""
    return {key: row.type for key, row in rows().items() if not row.refused}


def refused() -> dict[tuple[str, str], str]:
    """What it knows and refuses: (section, directive) -> why."""
    return {key: row.refused for key, row in rows().items() if row.refused}


def defaults(section: str) -> dict[str, str]:
    """The known defaults of a section's directives."""
    return {name: row.default for (where, name), row in rows().items() if where == section and row.default}
