# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two values of one setting: which of them lets less mail through."""

from __future__ import annotations

import re
import typing as t

from ..pmta_config import specs
from ..pmta_fleet import caps
from ..problems import FleetError

_VOLUME = re.compile(r"(\d+)([bkmgt]?)/(.+)\Z", re.IGNORECASE)
_SIZES = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_LIMIT = re.compile(r"(backoff-)?max-|max-")

#: What sends a queue's mail another way: what one virtual MTA alone did is no rule for all.
ROUTING = frozenset(
    (
        "type",
        "smtp-hosts",
        "queue-to",
        "route",
        "command",
        "file-destination",
        "file-format",
        "default-smtp-port",
        "discard-as-bounce",
        "http-delivery-url",
        "http-delivery-extra-headers",
        "auth-username",
    )
)


def is_limit(name: str) -> bool:
    """Whether smaller is stricter: rates and counts of what may leave."""
    return bool(_LIMIT.match(name)) and _form(name).startswith(("rate", "volume rate", "integer"))


def _form(name: str) -> str:
    table = specs.by_section()
    for section in ("domain", "virtual-mta"):
        spec = table[section].get(name)
        if spec:
            return spec.row.value
    return ""


def amount(name: str, value: str) -> t.Any:
    """How much a limit lets through, to be compared with others of its name; None is without limit, or not to be told."""
    text = value.replace(" ", "").lower()
    if text in ("", "0", "unlimited"):
        return None
    if _form(name).startswith("integer"):
        return int(text) if text.isdigit() else None
    try:
        if _form(name).startswith("volume"):
            found = _VOLUME.match(text)
            return _SIZES[found[2]] * caps.per_day(f"{found[1]}/{found[3]}") if found else None
        return caps.per_day(text)
    except FleetError:
        return None


def combined(name: str, values: t.Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """One value for all. None: not set. Of limits the strictest; of others what most have, and in doubt the first."""
    if len(set(values)) == 1:
        return values[0]
    if is_limit(name):
        amounts = [(amount(name, one[-1]), one) for one in values if one is not None]
        limited = [pair for pair in amounts if pair[0] is not None]
        return min(limited, key=lambda pair: pair[0])[1] if limited else amounts[0][1]
    most = max(values.count(one) for one in values)
    common = [one for one in dict.fromkeys(values) if values.count(one) == most]
    if name in ROUTING and (None in common or len(common) > 1):
        return None
    return next((one for one in common if one is not None), None)
