# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stop made at run time means to whoever feeds PowerMTA: the sender is paused, whatever the fleet document says."""

from __future__ import annotations

import typing as t


def hold(document: t.Mapping, stops: t.Mapping[str, t.Collection[str]]) -> dict:
    """A copy of *document* in which who is stopped on the hosts is ``paused``. stops: virtual MTAs by PowerMTA host."""
    return {
        **document,
        "senders": [
            {**sender, "paused": True} if sender["vmta"] in stops.get(sender["mta"], ()) else sender
            for sender in document["senders"]
        ],
    }
