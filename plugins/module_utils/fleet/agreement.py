# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory is declared to an engine that remembers: what becomes of each sender, and which declarations are refused.

A sender belongs to the inventory or to the API. The inventory says what its own senders are (address, names, tenant, host); the
engine says how they fare (status, phase, quota, pause, key).
"""

from __future__ import annotations

import math
import typing as t
from datetime import datetime

from ..problems import FleetError, Problem

INVENTORY, API = "inventory", "api"

#: What the engine decides; a declaration gives it to new senders only.
LIFECYCLE = ("status", "weight", "phase", "daily_quota", "paused", "reasons", "selector", "key", "public")
#: The keys of one sender that no other may have at the same time.
_SINGLE = ("ip", "hostname", "vmta")


class Declared(t.NamedTuple):
    """A declaration: when it was rendered, from which host, the senders of its fleet document."""

    made_at: datetime
    declared_from: str
    senders: t.Sequence[t.Mapping]


class Known(t.NamedTuple):
    """A sender the engine remembers, and whose it is."""

    sender: t.Mapping
    owner: str


class Agreement(t.NamedTuple):
    """Senders as they are to be stored. new: were unknown. changed: (before, after). adopted: were the API's, now the inventory's.
    leaving: no longer declared; they empty their queues. strangers: the API's, which the inventory does not name."""

    new: tuple[dict, ...]
    changed: tuple[tuple[t.Mapping, dict], ...]
    adopted: tuple[dict, ...]
    leaving: tuple[dict, ...]
    strangers: tuple[t.Mapping, ...]


def agree(
    known: t.Iterable[Known],
    declared: Declared,
    last: tuple[datetime, str] | None,
    most_leaving: float = 0.3,
    confirmed: bool = False,
) -> Agreement:
    """What a declaration makes of the senders the engine knows (those that are not retired).

    last: time and host of the newest declaration so far. most_leaving: share of the inventory's senders that may vanish at once.
    Raises FleetError for a declaration that is older than the last, or, unless confirmed, empty or one in which too many vanish;
    nothing may be stored then. Two clients' senders are never exchanged: an address that another tenant holds is refused, too.
    """
    remembered = {one.sender["name"]: one for one in known}
    wanted = {sender["name"]: sender for sender in declared.senders}
    gone = [one for name, one in remembered.items() if one.owner == INVENTORY and name not in wanted]
    owned = sum(one.owner == INVENTORY for one in remembered.values())
    problems = _stale(declared, last)
    if not confirmed:
        problems += _vanishing(len([one for one in gone if one.sender["declared"]]), owned, bool(wanted), most_leaving)
    problems += _taken(remembered, wanted)
    if problems:
        raise FleetError(problems)
    new, changed, adopted = [], [], []
    for name, sender in wanted.items():
        if name not in remembered:
            new.append(dict(sender))
            continue
        before, owner = remembered[name]
        after = {**sender, **{key: before[key] for key in LIFECYCLE}, "declared": True}
        if owner == API:
            adopted.append(after)
        elif after != before:
            changed.append((before, after))
    return Agreement(
        tuple(new),
        tuple(changed),
        tuple(adopted),
        tuple({**one.sender, "declared": False} for one in gone if one.sender["declared"]),
        tuple(one.sender for name, one in remembered.items() if one.owner == API and name not in wanted),
    )


def adoption_lines(sender: t.Mapping) -> dict:
    """The entry of the inventory's explicit list that makes an API-owned sender the inventory's."""
    entry = {"ip": sender["ip"], "domain": sender["domain"], "from_email": sender["from_email"]}
    if sender["hostname"] != sender["domain"]:
        entry["hostname"] = sender["hostname"]
    if sender["vmta"] != f"vmta-{sender['hostname']}":
        entry["vmta"] = sender["vmta"]
    for key in ("mta", "purposes", "from_name"):
        if sender[key]:
            entry[key] = sender[key]
    return entry


def _stale(declared: Declared, last: tuple[datetime, str] | None) -> list[Problem]:
    if last is None or declared.made_at >= last[0]:
        return []
    when, where = last
    return [
        Problem(
            f"declaration of {declared.made_at.isoformat()} from {declared.declared_from}",
            f"is older than the last one, of {when.isoformat()} from {where}",
            "Update the checkout and run again: an old inventory would undo what the newer one said. If it is meant, confirm it"
            " (fleet_confirm_older).",
        )
    ]


def _vanishing(count: int, owned: int, any_left: bool, most: float) -> list[Problem]:
    if not owned:
        return []
    if not any_left:
        what = f"is empty, and the engine knows {owned} senders of the inventory"
    elif count > max(1, math.floor(most * owned)):
        what = f"leaves out {count} of the inventory's {owned} senders, more than a share of {most:g}"
    else:
        return []
    return [
        Problem(
            "declaration",
            what,
            "Is it the right inventory, and whole? If they are to go, confirm it (fleet_confirm_removal).",
        )
    ]


def _taken(remembered: t.Mapping[str, Known], wanted: t.Mapping[str, t.Mapping]) -> list[Problem]:
    """Addresses and names that somebody else still holds, who stays: a sender that leaves keeps its own until it is retired."""
    holders = {
        (key, one.sender[key] if key != "vmta" else (one.sender["mta"], one.sender["vmta"])): one.sender
        for name, one in remembered.items()
        for key in _SINGLE
        if name not in wanted
    }
    problems = []
    for name, sender in wanted.items():
        if name in remembered and remembered[name].sender["tenant"] != sender["tenant"]:
            problems.append(
                Problem(
                    f"sender {name}",
                    f"belongs to tenant {remembered[name].sender['tenant']}, and is declared for {sender['tenant']}",
                    "A sender never changes its tenant: retire it, then declare a new one.",
                )
            )
        for key in _SINGLE:
            value = sender[key] if key != "vmta" else (sender["mta"], sender["vmta"])
            holder = holders.get((key, value))
            if holder is not None:
                problems.append(
                    Problem(
                        f"sender {name}",
                        f"its {key} {sender[key]} is still held by {holder['name']} ({holder['status']})",
                        "Wait until that one is retired, or choose another.",
                    )
                )
    return problems
