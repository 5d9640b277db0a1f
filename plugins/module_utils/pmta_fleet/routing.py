# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which virtual MTA a message gets: anchored patterns on the From header, one list a tenant."""

from __future__ import annotations

import re
import typing as t

from ..fleet.status import is_routed

# Everything before the address: a display name as words, quoted strings and encoded words. It may hold no bare comma,
# colon or angle bracket, so a second address, a group or another sender's address in angle brackets never matches.
# `\x22` is the double quote and `\x5c` the backslash: both mean something else in PowerMTA's own syntax.
_DISPLAY = r"([^\x22<>,:;@\x5c]|\x22([^\x22\x5c]|\x5c.)*\x22)*"


def from_pattern(mailboxes: t.Iterable[str]) -> str:
    r"""A PCRE for a From header that holds exactly one address, one of *mailboxes*.

    PowerMTA keeps the header's white space (folding too), ignores case and does not anchor (User's Guide, patterns).
    Matches ``a@b`` and ``words "quoted, words" <a@b>``; a From that is anything else matches nothing and is held.
    """
    wanted = "|".join(_escape(mailbox) for mailbox in mailboxes)
    address = rf"({wanted})" if "|" in wanted else wanted
    return rf"/^\s*({address}|{_DISPLAY}<\s*{address}\s*>)\s*$/"


def sender_entries(senders: t.Iterable[t.Mapping]) -> list[tuple[str, str]]:
    """``(pattern, virtual MTA)`` for each sender of one tenant that may be recognised."""
    return [(from_pattern([sender["from_email"]]), sender["vmta"]) for sender in senders if is_routed(sender)]


def relay_pattern(domain: str, local_parts: t.Sequence[str]) -> str:
    """The role addresses of one domain that port 25 accepts."""
    return rf"/^({'|'.join(re.escape(part) for part in local_parts)})@{_escape(domain)}$/"


def _escape(text: str) -> str:
    """re.escape knows Python's needs; PowerMTA also needs the slash written with a backslash."""
    return re.sub(r"([^a-zA-Z0-9@_-])", r"\\\1", text)
