# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which campaigns would go on through other servers once one is disabled."""

from __future__ import annotations

import typing as t

#: Statuses of a campaign that sends, or will without anybody's doing. The PHP program asks for these.
RUNNING = ("pending-sending", "sending", "processing")


def of_server(
    campaigns: t.Iterable[t.Mapping], server: t.Mapping, spared: t.Container[str] = frozenset()
) -> list[t.Mapping]:
    """Running campaigns of the server's customer that chose it, or whose From is its.

    spared: From addresses, in lower case, that a server which stays also has.
    """
    address = str(server["attributes"].get("from_email") or "").lower()
    return [
        campaign
        for campaign in campaigns
        if campaign["customer_id"] == server["customer_id"]
        and campaign["status"] in RUNNING
        and (
            server["id"] in campaign["servers"]
            or (address and address not in spared and str(campaign["from_email"] or "").lower() == address)
        )
    ]


def told(campaign: t.Mapping, sender: str) -> dict:
    """A paused campaign as the modules return it."""
    return {"uid": campaign["uid"], "name": campaign["name"], "sender": sender}
