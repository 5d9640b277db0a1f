# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PowerMTA does not start without."""

from __future__ import annotations

from ..facts import Facts, Place
from ..finding import ERROR, WARNING, Report, Rule
from ..tree import Config, Directive

RULES = {
    "missing-postmaster": Rule(
        # Several published installations have none, so it is not certain that PowerMTA refuses the file.
        WARNING,
        "The guide wants a postmaster, who gets PowerMTA's notices; published configurations without one seem to load.",
        "Add: postmaster you@your.domain",
    ),
    "missing-log-file": Rule(ERROR, "PowerMTA does not start without a log file.", "Add: log-file /var/log/pmta/log"),
    "missing-spool": Rule(
        ERROR,
        "PowerMTA does not start without a spool: mail has no place to wait in.",
        "Add: <spool /var/spool/pmta> ... </spool>",
    ),
}


def judge(facts: Facts, report: Report, config: Config) -> None:
    """What PowerMTA does not start without."""
    if not facts.whole or not facts.complete:
        return
    # There is no line to point at: the top of the file.
    top = Place(config.file, Directive(""))
    for name in ("postmaster", "log-file"):
        if not facts.of(name):
            report(f"missing-{name}", top, f"{name} is required")
    if not facts.spools and not facts.defined.get("spool"):
        report("missing-spool", top, "a spool is required")
