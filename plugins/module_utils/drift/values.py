# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When two spellings of a value mean the same, and which values are not shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

from ..pmta_config import unquote
from ..pmta_config.directives import rows
from ..pmta_config.embedded import masked
from ..pmta_config.tokens import SECRETS

HIDDEN = "(not shown)"
_LONGEST = 300
_SECONDS = {"w": 604800, "d": 86400, "day": 86400, "h": 3600, "hr": 3600, "m": 60, "min": 60, "s": 1, "sec": 1}
_RATE = re.compile(r"(\d+)([bkmgt]?)/(\d*)([a-z]+)\Z", re.IGNORECASE)
_INTERVAL = re.compile(r"(?:\d+[wdhms])+\Z", re.IGNORECASE)
_SECRET_NAME = re.compile(r"pass|secret|token|api-?key|credential", re.IGNORECASE)
_USER_INFO = re.compile(r"://[^/\s@]+@")


def meaning(value: str) -> object:
    """What is equal for two spellings of one value: 50/d and 50/day, yes and true, 60m and 1h, blanks after commas."""
    text = " ".join((unquote(value) if value[:1] == '"' else value).split())
    lower = text.lower()
    if lower in ("yes", "true"):
        return True
    if lower in ("no", "false"):
        return False
    if "," in text and not text.startswith("/"):
        return tuple(meaning(part.strip()) for part in text.split(","))
    rate = _RATE.match(text)
    if rate and rate[4].lower() in _SECONDS:
        return (int(rate[1]), rate[2].lower(), int(rate[3] or 1) * _SECONDS[rate[4].lower()])
    if _INTERVAL.match(text):
        return sum(int(n) * _SECONDS[unit.lower()] for n, unit in re.findall(r"(\d+)([a-zA-Z])", text)), "s"
    return text


def folded(name: str, value: str) -> object:
    """The same for what PowerMTA printed: letter case and the brackets and quotes of host lists do not count."""
    if name in ("smtp-hosts", "route"):
        return frozenset(re.findall(r"[a-z0-9.:-]*[a-z0-9]", value.lower().replace("[", "").replace("]", "")))
    return _lower(meaning(value))


def _lower(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(_lower(part) for part in value)
    return value.lower() if isinstance(value, str) else value


def hidden(name: str, section: str = "") -> bool:
    """Whether the value of a directive may be a secret; a misspelt name counts as the secret it resembles."""
    name = name.lower()
    if name in SECRETS:
        return True
    if name in _known():
        return False
    return bool(
        section == "smtp-user" or _SECRET_NAME.search(name) or get_close_matches(name, SECRETS, n=1, cutoff=0.7)
    )


def shown(name: str, values: Sequence[str], section: str = "") -> str:
    """A directive's value for a message."""
    if hidden(name, section):
        return HIDDEN
    text = masked(_USER_INFO.sub(f"://{HIDDEN}@", " ".join(value or '""' for value in values)), HIDDEN)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_NAMES: set[str] = set()


def _known() -> set[str]:
    if not _NAMES:
        _NAMES.update(row.name for row in rows())
    return _NAMES
