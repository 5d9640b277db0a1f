# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which campaigns would go on through other servers once one is disabled."""

from __future__ import annotations

import typing as t

#: Statuses of a campaign that sends, or will without anybody's doing. The PHP program asks for these.
RUNNING = ("pending-sending", "sending", "processing")
#: A batch of it is under way.
BUSY = "processing"


def of_server(
    campaigns: t.Iterable[t.Mapping],
    customer: int | None,
    server: int | None,
    addresses: t.Iterable[str | None],
    spared: t.Container[str] = frozenset(),
    anybody: bool = False,
) -> list[t.Mapping]:
    """Running campaigns of the customer that chose the server, or whose From is one of its addresses.

    server: None where it has no number yet. spared: addresses, in lower case, that a server which stays also has. anybody: of whichever
    customer, for a server that is in no tenant's.
    """
    froms = {address.lower() for address in addresses if address and address.lower() not in spared}
    return [
        campaign
        for campaign in campaigns
        if (anybody or campaign["customer_id"] == customer)
        and campaign["status"] in RUNNING
        and (server in campaign["servers"] or _from(campaign) in froms)
    ]


def _from(campaign: t.Mapping) -> str:
    return str(campaign["from_email"] or "").lower()


def told(campaign: t.Mapping, sender: str) -> dict:
    """A paused campaign as the modules return it."""
    return {"uid": campaign["uid"], "name": campaign["name"], "sender": sender}
