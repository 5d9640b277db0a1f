# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a sender, in words. What no check has reported is unknown, never fine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from email_engine.store.lifecycle import DNS_KEEPS, LISTS_KEEP
from email_engine.store.models import AuditRow, DnsCheck
from email_engine.store.overview import Seen

#: In the order in which a message meets them.
EDGES = {
    "mta": "MTA",
    "a": "A",
    "ptr": "PTR",
    "helo_spf": "HELO SPF",
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "mx": "MX",
    "mail": "Mail that arrived",
}
VERDICTS = {"ok": "good", "wrong": "bad", "missing": "bad", "unknown": "unknown"}


class Said(NamedTuple):
    """tone: good, bad, warn, plain or unknown; how it looks, while the text says it all."""

    tone: str
    text: str


def edge_name(edge: str) -> str:
    return EDGES.get(edge, edge)


def edges(check: DnsCheck | None) -> list[tuple[str, Mapping[str, Any]]]:
    found = check.edges if check else {}
    known = [one for one in EDGES if one in found]
    return [(edge_name(one), found[one]) for one in [*known, *sorted(set(found) - set(known))]]


def dns(check: DnsCheck | None, now: datetime | None = None) -> Said:
    if check is None:
        return Said("unknown", "unknown: never checked")
    if (now or datetime.now(UTC)) - check.checked_at > DNS_KEEPS:
        return Said("unknown", f"unknown: last checked {ago(check.checked_at, now)}")
    if check.green == "yes":
        return Said("good", "all as wanted")
    broken = [name for name, edge in edges(check) if VERDICTS.get(edge.get("verdict")) == "bad"]
    if check.green == "no":
        return Said("bad", f"{', '.join(broken) or 'something'} not as wanted")
    unseen = [name for name, edge in edges(check) if edge.get("verdict") == "unknown"]
    return Said("unknown", f"unknown: {', '.join(unseen)}" if unseen else "unknown")


def listings(seen: Seen, now: datetime | None = None) -> Said:
    fresh = [one for one in seen.lists if (now or datetime.now(UTC)) - one.checked_at <= LISTS_KEEP]
    on = {*seen.listings, *(one.blacklist_name for one in fresh if one.listed == "yes")}
    clear = sum(one.listed == "no" for one in fresh)
    if on:
        return Said("bad", f"listed: {', '.join(sorted(on))}")
    if not seen.lists:
        return Said("unknown", "unknown: never checked")
    if not fresh:
        return Said("unknown", f"unknown: last checked {ago(max(one.checked_at for one in seen.lists), now)}")
    if not clear:
        return Said("unknown", "unknown: no list answered")
    silent = len(seen.lists) - clear
    return Said("plain", f"on none of {clear}, {silent} unknown") if silent else Said("good", f"on none of {clear}")


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago, in the largest whole unit."""
    if moment is None:
        return "never"
    seconds = int(((now or datetime.now(UTC)) - moment).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if abs(seconds) >= size:
            count = f"{abs(seconds) // size} {unit}"
            return f"{count} ago" if seconds > 0 else f"in {count}"
    return "just now"


def lasted(began: datetime | None, ended: datetime | None) -> str:
    if began is None:
        return ""
    seconds = int(((ended or datetime.now(UTC)) - began).total_seconds())
    minutes, seconds = divmod(max(0, seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def shown(value: Any) -> str:
    """Data as an operator reads it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping) and not any(isinstance(one, (Mapping, list)) for one in value.values()):
        return _pairs(value)
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, Mapping) for one in value):
        return "; ".join(map(_pairs, value))
    if isinstance(value, (list, tuple)) and not any(isinstance(one, (Mapping, list)) for one in value):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (Mapping, list)) else str(value)


def _pairs(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in found.items() if value not in (None, "", []))


def differences(row: AuditRow) -> list[tuple[str, str | None, str]]:
    """What an audit row tells of: (name, before, after); before is None for what was not there. What is empty on both sides is left out."""
    before, after = row.before or {}, row.after or {}
    found = [
        (name, shown(before[name]) if name in before else None, shown(after.get(name))) for name in {**before, **after}
    ]
    return [one for one in found if one[1] or one[2]]
