# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which provider a recipient's domain belongs to, by policy: its domains, or the roll-up that its MX records brought it into."""

from __future__ import annotations

import typing as t

OTHER = "other"
_ROLLUP = ".rollup"
_KEPT = 50_000
#: Reports that name no recipient: what they bear -> a domain of the provider.
_REPORTERS = (("yahoo", "yahoo.com"), ("jmrp", "hotmail.com"), ("hotmail", "hotmail.com"), ("outlook", "hotmail.com"))


class Providers:
    """policy: provider -> {"domains": [...]}, as ``policy_providers`` has it."""

    def __init__(self, policy: t.Mapping[str, t.Mapping]):
        self._names = set(policy)
        self._by_domain = {
            str(domain).lower(): name for name, one in policy.items() for domain in (one or {}).get("domains") or ()
        }
        self._known: dict[tuple[str, str], str] = {}

    def of(self, recipient: str, queue: str = "") -> str:
        """recipient: an address; its text after the last @ counts. queue: ``gmail.rollup/vmta-mail1``, where it is recorded."""
        domain = recipient[recipient.rfind("@") + 1 :]
        queue = queue.partition("/")[0] if _ROLLUP in queue else ""
        key = (domain, queue)
        found = self._known.get(key)
        if found is None:
            if len(self._known) > _KEPT:
                self._known.clear()
            found = self._known[key] = self._find(domain, queue)
        return found

    def _find(self, domain: str, queue: str) -> str:
        rolled = queue.lower()[: -len(_ROLLUP)] if queue.lower().endswith(_ROLLUP) else ""
        if rolled in self._names:
            return rolled
        return self._by_domain.get(domain.lower().rstrip("."), OTHER)

    def of_feedback(self, recipient: str, *told: str) -> str:
        """Of a complaint. told: what else the report says of who sent it; used where the recipient is kept secret."""
        if "@" in recipient:
            return self.of(recipient)
        text = " ".join(told).lower()
        for word, domain in _REPORTERS:
            if word in text:
                return self._by_domain.get(domain, OTHER)
        return OTHER
