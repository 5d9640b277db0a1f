# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a sender and what each one means for mail; the words of the fleet document."""

from __future__ import annotations

STATUSES = ("standby", "warming", "active", "quarantine", "resting", "retiring", "retired")
PURPOSES = ("transactional", "marketing", "newsletter", "autoresponder", "notification")
ROUTINGS = ("by_sender", "pool")
PTR_METHODS = ("rfc2136", "manual")

#: May hand mail to receivers. A retiring sender empties its queue, but is given no new campaign.
DELIVERING = frozenset({"warming", "active", "retiring"})
#: May be chosen for new mail, so stands in its tenant's pool.
SELECTABLE = frozenset({"warming", "active"})


def delivers(sender: dict) -> bool:
    """True when PowerMTA may send this sender's queue; otherwise its virtual MTA is rendered stopped."""
    return sender["status"] in DELIVERING and not sender["paused"] and sender["daily_quota"] != 0


def in_pool(sender: dict) -> bool:
    """True when the sender may be given new mail; a weight of 0 takes it out without a state change."""
    return delivers(sender) and sender["status"] in SELECTABLE and sender["weight"] > 0


def is_routed(sender: dict) -> bool:
    """True when its From address is recognised. A stopped sender stays routed, to its own stopped virtual MTA:
    without the entry its mail would fall through to somewhere else."""
    return sender["status"] != "retired" and sender["declared"]


def exists_in_mta(sender: dict) -> bool:
    """True when the virtual MTA, the address, the key and the DNS records are kept."""
    return sender["status"] != "retired"
