# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that take the rest of a line: DKIM keys, host lists, results of pattern lists, actions on remote replies."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from . import values
from .errors import ValueRefused


class DomainKey(NamedTuple):
    selector: str
    domain: str
    path: str


class Host(NamedTuple):
    """``kind`` is ip, name or lookup-mx; port 0 means the queue's default."""

    kind: str
    where: str
    port: int


def domain_key(text: str) -> DomainKey:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3 or not all(parts):
        raise ValueRefused("domain-key takes exactly three arguments: SELECTOR,DOMAIN|*,FILE")
    selector, where, path = parts
    if path.startswith("{vault}"):
        raise ValueRefused("keys in a vault are not imitated")
    return DomainKey(values.host(selector), where if where == "*" else values.host(where), values.absolute(path))


def host_list(text: str) -> list[list[Host]]:
    """Levels of hosts: ``;`` begins the next level, ``,`` parts equals."""
    if text.strip() in ('""', ""):
        if not text.strip():
            raise ValueRefused("argument missing")
        return []
    text = text.strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        text = text[1:-1]
    return [[_one_host(part.strip()) for part in level.split(",")] for level in text.split(";")]


def _one_host(text: str) -> Host:
    if text.lower().startswith("lookup-mx:"):
        return Host("lookup-mx", values.host(text[len("lookup-mx:") :]), 0)
    found = re.fullmatch(r"\[(?:IPv6:)?([^\]]+)\](?::([0-9]+))?", text, re.I)
    if found:
        return Host("ip", str(values.ip(found[1])), values.integer(found[2], "1-65535") if found[2] else 0)
    where, colon, port = text.partition(":")
    if colon and not port:
        raise ValueRefused(f"no port behind the colon: {text}")
    return Host("name", values.host(where), values.integer(port, "1-65535") if port else 0)


def pattern_result(text: str) -> dict[str, Any]:
    """``virtual-mta=NAME``, ``recipient-priority=0..100``, ``call-to:OTHERLIST``, joined by commas."""
    result: dict[str, Any] = {}
    for part in re.sub(r"call-to:\s+", "call-to:", text.strip()).split(","):
        if part.startswith("virtual-mta="):
            key, value = "virtual-mta", part[len("virtual-mta=") :]
            value = value if value == "{default}" else values.name(value)
        elif part.startswith("recipient-priority="):
            key, value = "recipient-priority", values.integer(part[len("recipient-priority=") :], "0-100")
        elif part.startswith("call-to:"):
            key, value = "call-to", values.name(part[len("call-to:") :])
        else:
            raise ValueRefused(f"virtual-mta=, recipient-priority= or call-to: expected: {text}")
        if key in result:
            raise ValueRefused(f"{key} given twice")
        result[key] = value
    return result


def smtp_actions(text: str) -> dict[str, Any]:
    """The actions of one ``reply`` entry, with the product's rules on combining them."""
    found: dict[str, Any] = {}
    for part in text.strip().split(","):
        key, equals, value = part.partition("=")
        if key in found:
            raise ValueRefused(f"{key} given twice")
        if key == "mode":
            if value not in ("backoff", "normal"):
                raise ValueRefused(f"mode=backoff or mode=normal expected: {part}")
            found[key] = value
        elif key in ("reenable-after", "backoff-to-normal-after") and equals:
            needed = ("disable-source-ip", True) if key == "reenable-after" else ("mode", "backoff")
            if found.get(needed[0]) != needed[1]:
                raise ValueRefused(f"{key} must follow its action in the same entry")
            found[key] = values.interval(value)
        elif key in ("skip-mx", "bounce-queue", "bounce-rcpt", "disable-source-ip", "defer-queue") and not equals:
            found[key] = True
        else:
            raise ValueRefused(f"unknown action: {part}")
    if "skip-mx" in found and "bounce-queue" in found:
        raise ValueRefused("skip-mx and bounce-queue cannot be combined")
    return found


REST_OF_LINE = {
    "domain-key": domain_key,
    "host-list": host_list,
    "host-list|empty": host_list,
    "pattern-result": pattern_result,
    "smtp-actions": smtp_actions,
}
