# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one MTA host is asked for, and the public halves of its keys put where every generator finds them."""

from __future__ import annotations

import typing as t

from .status import exists_in_mta


def key_requests(document: t.Mapping, mta: str) -> list[dict]:
    """``[{"domain": ...}]`` for the signing domains whose keys live on host *mta*, each once, in fleet order."""
    domains = dict.fromkeys(
        sender["domain"] for sender in document["senders"] if sender["mta"] == mta and exists_in_mta(sender)
    )
    return [{"domain": domain} for domain in domains]


def attach_keys(document: t.Mapping, keys: t.Iterable[t.Mapping]) -> dict:
    """A copy of *document* whose senders know their selector, key file and public key.

    keys: what ``dkim_keys`` returned, ``[{domain, selector, path, public}]``; public is null for a key that check
    mode only foresees.
    """
    by_domain = {key["domain"]: key for key in keys}
    senders = []
    for sender in document["senders"]:
        key = by_domain.get(sender["domain"])
        if key is None:
            senders.append(sender)
        else:
            senders.append({**sender, "selector": key["selector"], "key": key["path"], "public": key["public"]})
    return {**document, "senders": senders}


def addresses(document: t.Mapping, mta: str) -> list[dict]:
    """``[{ip, interface, gateway, table}]`` that host *mta* has to own, in fleet order."""
    return [
        {key: sender[key] for key in ("ip", "interface", "gateway", "table")}
        for sender in document["senders"]
        if sender["mta"] == mta and exists_in_mta(sender)
    ]
