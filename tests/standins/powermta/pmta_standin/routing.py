# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inbound decisions: may this be relayed, where do aliases lead, which virtual MTA takes the message."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from .domains import matches
from .headers import Message
from .model import DEFAULT_VMTA, Config, source_value
from .pcre import Pattern
from .tree import Block


class Refused(Exception):
    """The injection is refused with this SMTP reply."""


def relayed(config: Config, policy: dict[str, Any], recipient: str) -> bool:
    """``always-allow-relaying``, or a domain or address this server takes mail for."""
    if source_value(policy, "always-allow-relaying"):
        return True
    domain = recipient.rpartition("@")[2].lower()
    if any(matches(setting.args[0], domain) for setting in config.top.all("relay-domain")):
        return True
    if any(setting.args[0] == domain for setting in config.top.all("host-name")):
        return True
    for setting in config.top.all("relay-address"):
        wanted = setting.args[0]
        if wanted.search(recipient) if isinstance(wanted, Pattern) else wanted.lower() == recipient.lower():
            return True
    return False


def aliased(config: Config, recipient: str) -> list[str]:
    """Where an accepted recipient's mail goes: the alias' targets or itself."""
    for block in config.top.inside("aliases"):
        for setting in block.all("alias"):
            if setting.args[0].lower() == recipient.lower():
                return list(setting.args[1])
    return [recipient]


class Chooser:
    """Chooses the VMTA of a message; a pool's member is taken round-robin and stays."""

    def __init__(self) -> None:
        self._turns: dict[str, Iterator[int]] = {}

    def choose(
        self, config: Config, policy: dict[str, Any], orig: str, rcpts: list[str], message: Message, local_ip: str
    ) -> tuple[str, str]:
        """(VMTA, pool or empty): X-Virtual-MTA header, pattern list, the source's default, ``{default}``."""
        name = self._by_header(config, policy, message)
        if name is None and (wanted := source_value(policy, "pattern-list")):
            name = by_pattern(
                config, next(b for b in config.top.inside("pattern-list") if b.name == wanted), orig, rcpts, message
            )
        if name is None:
            name = source_value(policy, "default-virtual-mta")
        if name == "by-smtp-source-ip":
            name = next((v.name for v in config.vmtas.values() if any(h.ip == local_ip for h in v.hosts)), None)
        return self.member(config, name or DEFAULT_VMTA)

    def member(self, config: Config, name: str) -> tuple[str, str]:
        pool = config.pools.get(name)
        if pool is None:
            return name, ""
        turn = next(self._turns.setdefault(name, itertools.count()))
        return pool.members[turn % len(pool.members)], name

    def _by_header(self, config: Config, policy: dict[str, Any], message: Message) -> str | None:
        if not source_value(policy, "process-x-virtual-mta"):
            return None
        name = message.first("X-Virtual-MTA")
        if not source_value(policy, "retain-x-virtual-mta"):
            message.remove(["X-Virtual-MTA"])
        if name is None or name == "" and source_value(policy, "allow-empty-x-virtual-mta"):
            return None
        if name in config.vmtas or name in config.pools or name == DEFAULT_VMTA:
            return name
        fallback = config.glob("invalid-virtual-mta-fallback")
        if source_value(policy, "reject-invalid-virtual-mta") is False and fallback:
            return fallback
        raise Refused(f"550 5.5.0 specified Virtual MTA '{name}' does not exist")


def by_pattern(config: Config, block: Block, orig: str, rcpts: list[str], message: Message) -> str | None:
    """The first entry that matches decides, even when it names no VMTA."""
    for setting in block.settings:
        if setting.name == "*":
            hit = True
        elif setting.name == "mail-from":
            hit = setting.args[0].search(orig)
        elif setting.name == "rcpt-to":
            hit = any(setting.args[0].search(rcpt) for rcpt in rcpts)
        else:
            hit = any(setting.args[1].search(header.value) for header in message.all(setting.args[0]))
        if not hit:
            continue
        if setting.inner:
            return by_pattern(config, setting.inner, orig, rcpts, message)
        result = setting.args[-1]
        if "call-to" in result:
            called = next(b for b in config.top.inside("pattern-list") if b.name == result["call-to"])
            return result.get("virtual-mta") or by_pattern(config, called, orig, rcpts, message)
        return result.get("virtual-mta")
    return None
