# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts of a whole fleet, counted and as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from .edges import EDGES, NO, OK, UNKNOWN, VERDICTS, YES

_FEW = 3  # a fault that more senders share is told once


def summary(senders: Sequence[Mapping]) -> dict:
    """``{"senders", "yes", "no", "unknown", "edges": {edge: {verdict: count}}}`` of ``[{"name", "green", "edges"}]``."""
    greens = Counter(sender["green"] for sender in senders)
    counts = {
        edge: Counter(sender["edges"][edge]["verdict"] for sender in senders if edge in sender["edges"])
        for edge in EDGES
    }
    return {
        "senders": len(senders),
        **{green: greens[green] for green in (YES, NO, UNKNOWN)},
        "edges": {edge: {verdict: counts[edge][verdict] for verdict in VERDICTS} for edge in EDGES},
    }


def lines(senders: Sequence[Mapping]) -> list[str]:
    """A head line, then each broken edge: the sender, what is wrong, who says so, and the remedy below it.

    What more than three senders have in common is told once, with their number."""
    counts = summary(senders)
    told = [
        f"{counts[YES]} of {counts['senders']} senders are green, {counts[NO]} are not, {counts[UNKNOWN]} are unknown"
    ]
    groups: dict[tuple, list[tuple[str, Mapping]]] = {}
    for sender in senders:
        for name in EDGES:
            edge = sender["edges"].get(name)
            if edge and edge["verdict"] != OK:
                key = (name, edge["verdict"], edge["server"], edge["remedy"])
                groups.setdefault(key, []).append((sender["name"], edge))
    for (name, verdict, server, remedy), members in groups.items():
        shown = members if len(members) <= _FEW else members[:1]
        for sender, edge in shown:
            more = f" and {len(members) - 1} more" if len(shown) < len(members) else ""
            told.append(f"{sender}{more}: {name} is {verdict}{f' at {server}' if server else ''}")
            told += [f"    {what}: {edge[what]}" for what in ("wanted", "found") if edge[what]]
        if remedy:
            told.append(f"    remedy: {remedy}")
    return told
