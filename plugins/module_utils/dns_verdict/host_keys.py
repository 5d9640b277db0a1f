# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys as the MTA hosts hold them, put in the place of those that the document remembers: they are what signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..dns_text import plain_name
from ..fleet.status import exists_in_mta


def with_host_keys(document: Mapping, keys: Mapping[str, Sequence[Mapping] | None]) -> tuple[dict, list[str]]:
    """(the document with the hosts' keys, what it remembered otherwise, as lines).

    keys: ``{host: [{domain, selector, public}]}``, as ``dkim_keys`` returns them; a host that is not there, or None, was
    not looked at. Its senders have no key in the result, and ``key_trouble`` says why."""
    senders, told = [], {}
    for sender in document["senders"]:
        if not exists_in_mta(sender):
            senders.append(sender)
            continue
        host, domain = sender.get("mta"), plain_name(sender["domain"])
        bare = {**sender, "selector": None, "public": None}
        if keys.get(host) is None:
            senders.append(
                {**bare, "key_trouble": f"{host or 'its MTA host'} was not looked at, so the key that signs is unknown"}
            )
            continue
        key = next((one for one in keys[host] if plain_name(one["domain"]) == domain), None)
        if key is None:
            senders.append({**bare, "key_trouble": f"{host} has no key of {domain}"})
            continue
        senders.append({**sender, "selector": key["selector"], "public": key["public"]})
        if key["public"]:
            note = _difference(sender, key)
            if note:
                told[domain] = (
                    f"{domain}: the engine remembers {note}, {host} signs with {key['selector']}; the next converge tells it"
                )
    return {**document, "senders": senders}, list(told.values())


def _difference(sender: Mapping, key: Mapping) -> str:
    """In words, what is remembered, where it is something else than the host's key."""
    if not sender.get("selector") or not sender.get("public"):
        return ""  # nothing is remembered yet
    if sender["selector"] != key["selector"]:
        return f"key {sender['selector']}"
    return "" if sender["public"] == key["public"] else f"another key under {key['selector']}"
