# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enhanced status codes (RFC 3463) in the form the accounting files have: ``5.1.1 (bad destination mailbox address)``."""

from __future__ import annotations

import re

_TEXT = {
    "0.0": "undefined status",
    "1.0": "other address status",
    "1.1": "bad destination mailbox address",
    "1.2": "bad destination system address",
    "1.10": "recipient address has null MX",
    "2.0": "other or undefined mailbox status",
    "2.1": "mailbox disabled, not accepting messages",
    "2.2": "mailbox full",
    "3.0": "other or undefined mail system status",
    "3.5": "system incorrectly configured",
    "4.0": "other or undefined network or routing status",
    "4.1": "no answer from host",
    "4.2": "bad connection",
    "4.3": "directory server failure",
    "4.4": "unable to route",
    "4.6": "routing loop detected",
    "4.7": "delivery time expired",
    "5.0": "other or undefined protocol status",
    "6.0": "other or undefined media error",
    "7.0": "other or undefined security status",
    "7.1": "delivery not authorized, message refused",
}


def described(status: str) -> str:
    if status == "2.0.0":
        return "2.0.0 (success)"
    return f"{status} ({_TEXT.get(status.partition('.')[2], 'undefined status')})"


def of_reply(code: int, text: str) -> str:
    """The status a reply carries when its class agrees with the reply code, else class.0.0."""
    found = re.match(r"\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b", f"{code} {text}")
    return found[1] if found and found[1][0] == str(code)[0] else f"{code // 100}.0.0"
