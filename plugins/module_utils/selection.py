# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sender gets the next campaign: who may, why the others may not, and the three ways of choosing among those who may.

Nothing here remembers anything: turn, chance and counts are given by the caller, which keeps them where all processes see them.
"""

from __future__ import annotations

import typing as t

from .fleet.status import PURPOSES, SELECTABLE

MODES = ("round_robin", "weighted_random", "least_used")

#: Campaign type -> purposes of a sender that may carry it, all of equal rank.
CAMPAIGN_PURPOSES: dict[str, tuple[str, ...]] = {purpose: (purpose,) for purpose in PURPOSES}


class Refusal(t.NamedTuple):
    """A sender of the tenant that was not a candidate, and why, in words for an operator."""

    sender: str
    reason: str


class Candidates(t.NamedTuple):
    """senders: those that may be chosen, ordered by name. refused: the tenant's other senders, ordered by name."""

    senders: tuple[t.Mapping, ...]
    refused: tuple[Refusal, ...]


def candidates(
    senders: t.Iterable[t.Mapping], tenant: str, purposes: t.Collection[str], sent_today: t.Mapping[str, int]
) -> Candidates:
    """The senders of *tenant* that may carry a campaign for one of *purposes*.

    senders: of the fleet document; other tenants' are not even named. A sender without purposes serves all of them.
    sent_today: messages by sender name, as far as reported; missing means none.
    """
    able, refused = [], []
    for sender in sorted((one for one in senders if one["tenant"] == tenant), key=lambda one: one["name"]):
        reason = _refusal(sender, purposes, sent_today.get(sender["name"], 0))
        if reason:
            refused.append(Refusal(sender["name"], reason))
        else:
            able.append(sender)
    return Candidates(tuple(able), tuple(refused))


def barred(sender: t.Mapping) -> str | None:
    """Why *sender*, of the fleet document, may not even go on with a campaign that it has; None where it may. What is used up today, it
    sends tomorrow."""
    return _stopped(sender) or _given_nothing(sender)


def _stopped(sender: t.Mapping) -> str | None:
    if not sender["declared"]:
        return "is leaving the fleet"
    if sender["status"] not in SELECTABLE:
        return f"status is {sender['status']}"
    if sender["paused"]:
        return "is paused" + (f": {', '.join(sender['reasons'])}" if sender["reasons"] else "")
    return None


def _given_nothing(sender: t.Mapping) -> str | None:
    if sender["weight"] == 0:
        return "weight is 0"
    return "daily quota is 0" if sender["daily_quota"] == 0 else None


def _refusal(sender: t.Mapping, purposes: t.Collection[str], sent: int) -> str | None:
    """The first reason in the order in which an operator would mend them."""
    if why := _stopped(sender):
        return why
    if sender["purposes"] and not set(sender["purposes"]) & set(purposes):
        return f"serves {', '.join(sender['purposes'])}, not {', '.join(sorted(purposes))}"
    if why := _given_nothing(sender):
        return why
    if sent >= sender["daily_quota"]:
        return f"daily quota is used up: {sent} of {sender['daily_quota']}"
    return None


def lacks_room(recipients: int, quota: int, sent_today: int, promised: int) -> str | None:
    """Why a campaign to so many *recipients* does not fit into what its sender may send today; None where it does. promised: to recipients
    of its other campaigns, who wait for their mail. What does not fit, the sending application would send by another sender."""
    left = max(quota - sent_today - promised, 0)
    if recipients <= left:
        return None
    return (
        f"daily quota has no room for {recipients} recipients: {left} left of {quota}"
        f" ({sent_today} sent today, {promised} promised to other campaigns)"
    )


def with_room(found: Candidates, crowded: t.Mapping[str, str]) -> Candidates:
    """Those of *found* that have room. crowded: sender name -> why it has none."""
    able = tuple(one for one in found.senders if one["name"] not in crowded)
    full = [Refusal(one["name"], crowded[one["name"]]) for one in found.senders if one["name"] in crowded]
    return Candidates(able, tuple(sorted([*found.refused, *full])))


def round_robin(able: t.Sequence[t.Mapping], turn: int) -> t.Mapping:
    """The sender whose turn it is. turn: 0, 1, 2, ... from a counter that all processes share; exact while the list stays."""
    return able[turn % len(able)]


def weighted_random(able: t.Sequence[t.Mapping], chance: float) -> t.Mapping:
    """A sender with probability weight / sum of weights. chance: uniform in [0, 1)."""
    mark = chance * sum(sender["weight"] for sender in able)
    for sender in able:
        mark -= sender["weight"]
        if mark < 0:
            return sender
    return able[-1]


def least_used(able: t.Sequence[t.Mapping], sent_last_hour: t.Mapping[str, int]) -> t.Mapping:
    """The sender with the fewest reported messages of the last hour; among equals the heavier one, then the first by name."""
    return min(able, key=lambda sender: (sent_last_hour.get(sender["name"], 0), -sender["weight"], sender["name"]))
