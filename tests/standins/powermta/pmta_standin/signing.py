# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM: which key signs, over which headers. No key or no ``dkim-sign`` means the message goes out unsigned, silently."""

from __future__ import annotations

from typing import Any

import dkim

from .headers import Message, addresses
from .model import Config, Key
from .pcre import Pattern

# The fixed list has List-Unsubscribe but not List-Unsubscribe-Post: that one needs ``dkim-headers``.
FIXED = [
    "From", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "To", "Cc", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding", "Content-ID", "Content-Description", "Resent-Date", "Resent-From", "Resent-Sender",
    "Resent-To", "Resent-Cc", "Resent-Message-ID", "In-Reply-To", "References", "List-Id", "List-Help",
    "List-Unsubscribe", "List-Subscribe", "List-Post", "List-Owner", "List-Archive",
]  # fmt: skip


def identity_domain(message: Message, wanted: str) -> str | None:
    """The domain that signs: a fixed identity, From alone (``strict-from``), or Sender else From. None: do not sign."""
    if "@" in wanted:
        return wanted.rpartition("@")[2].lower()
    found = addresses(message.all("Sender")) if wanted == "sender-or-from" else []
    if not found:
        found = addresses(message.all("From"))
        if wanted == "strict-from" and (len(found) != 1 or len(message.all("From")) != 1):
            return None
    return found[0].rpartition("@")[2].lower() or None if found and "@" in found[0] else None


def find_key(config: Config, vmta: str, domain: str) -> Key | None:
    """VMTA's keys, its pools', the global ones; in each the first whose domain equals or is a parent of the identity's."""
    owner = config.vmtas.get(vmta)
    rings = [owner.keys, *(pool.keys for pool in owner.pools)] if owner else []
    for ring in [*rings, config.keys]:
        for key in ring:
            if key.domain == "*" or domain == key.domain or domain.endswith("." + key.domain):
                return key
    return None


def signed(content: bytes, config: Config, domain: str, vmta: str) -> bytes:
    """The message with the signatures the queue domain/vmta wants in front."""
    for prefix in ("", "second-"):

        def want(name: str, prefix: str = prefix) -> Any:
            found = config.setting(domain, vmta, prefix + name)
            return found if found is not None or not prefix else config.setting(domain, vmta, name)

        if config.setting(domain, vmta, prefix + "dkim-sign") is True:
            content = _one(content, config, vmta, want)
    return content


def _one(content: bytes, config: Config, vmta: str, want: Any) -> bytes:
    message = Message(content)
    domain = identity_domain(message, want("dkim-identity"))
    key = find_key(config, vmta, domain) if domain else None
    fallback = want("dkim-identity-fallback")
    if key is None and fallback:
        domain = fallback.rpartition("@")[2]
        key = find_key(config, vmta, domain)
    if key is None or domain is None:
        return content
    canon = (want("dkim-headers-canon").encode(), want("dkim-body-canon").encode())
    signature = dkim.sign(
        content,
        key.selector.encode(),
        (domain if key.domain == "*" else key.domain).encode(),
        key.pem,
        canonicalize=canon,
        signature_algorithm=want("dkim-algorithm").encode(),
        include_headers=_header_names(message, want("dkim-headers") or []),
    )
    return signature + content


def _header_names(message: Message, more: list[Any]) -> list[bytes]:
    present = [header.name for header in message.headers]
    wanted = {name.lower() for name in FIXED}
    for one in more if isinstance(more, list) else []:
        if isinstance(one, Pattern):
            wanted |= {name.lower() for name in present if one.search(name)}
        else:
            wanted.add(one.lower())
    names = [name.lower() for name in present if name.lower() in wanted]
    return [name.encode() for name in names]
