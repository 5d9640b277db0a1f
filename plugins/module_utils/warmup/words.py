# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warm-up in words, for a terminal."""

from __future__ import annotations

import math
import typing as t

from . import policy as rules
from .reading import read_history
from .simulate import simulate

_COLUMNS = ("day", "status", "phase", "cap", "first", "waited", "delivered", "verdict", "decision")


def simulated(text: str, policy: t.Mapping, phase: str | None = None) -> dict[str, t.Any]:
    """What the history of a file would have done: ``{"rows", "lines"}``. policy: as declared, with ``phases``. Raises FleetError."""
    known = rules.read(policy)
    return _shown(simulate(read_history(text), known, phase), rules.warnings(policy))


def _shown(rows: list[dict[str, t.Any]], warnings: list[str]) -> dict[str, t.Any]:
    table = [_COLUMNS, *([str(row[name] if row[name] is not None else "-") for name in _COLUMNS] for row in rows)]
    widths = [max(len(line[n]) for line in table) for n in range(len(_COLUMNS))]
    lines = []
    for number, cells in enumerate(table):
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths))
        reasons = "; ".join(rows[number - 1]["reasons"]) if number else "because"
        lines.append(f"{line}  {reasons}".rstrip())
    return {"rows": rows, "lines": [*warnings, *lines]}


def proposals(document: t.Mapping, policy: t.Mapping) -> list[str]:
    """What each sender that warms up would need for its next step, by the fleet document alone: nobody counted its days.

    A line for each; the policy's warnings come first. Raises FleetError.
    """
    known = rules.read(policy)
    lines = rules.warnings(policy)
    for sender in document["senders"]:
        if sender["status"] == "warming":
            lines.append(f"{sender['name']}: {_next(sender, known)}")
    return lines


def _next(sender: t.Mapping, known: rules.Policy) -> str:
    cap = sender["daily_quota"]
    days = 1 if known.schedule == rules.GEOMETRIC else known.phase_days
    needs = (
        f"{days} day{'s' if days > 1 else ''} with at least {math.ceil(known.use * cap)} first attempts each, {float(known.delivered):.0%} of"
        " them delivered within 24 hours"
    )
    now = f"{sender['phase'] or 'no phase'}, {cap} a day"
    if known.schedule == rules.GEOMETRIC:
        return f"{now}. To {min(known.target, int(cap * known.growth))} a day: {needs}"
    at = known.names.index(sender["phase"]) if sender["phase"] in known.names else len(known.names) - 1
    if at + 1 < len(known.names):
        name, quota = known.phases[at + 1]
        return f"{now}. To {name}, {quota} a day (status: warming, phase: {name}): {needs}"
    return f"{now}. To active (status: active, daily_quota: {cap}), then x{float(known.growth):g} a day to {known.target}: {needs}"
