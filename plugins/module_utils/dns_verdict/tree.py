# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DMARC's tree walk: which policy is a name's, and which organisation it belongs to (RFC 9989 4.10)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .answers import Look, sure
from .tags import read_tags

QUERIES = 8
_VERSION = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(;|$)")


@dataclass(frozen=True)
class Policy:
    """A record of one name. texts: all DMARC records there; tags: of the only one, {} when there is none or several;
    fault: what of it cannot be read and is ignored by receivers, in words."""

    name: str
    texts: tuple[str, ...]
    tags: Mapping[str, str]
    fault: str = ""

    @property
    def counts(self) -> bool:
        """Whether receivers take it: several records at one name are none."""
        return len(self.texts) == 1


def is_dmarc(value: str) -> bool:
    return bool(_VERSION.match(value))


def policy_at(name: str, look: Look) -> Policy:
    """The record at ``_dmarc.<name>``. Raises Blind."""
    answer = sure(look, f"_dmarc.{name}", "TXT")
    texts = tuple(value for value in answer.values if is_dmarc(value))
    if len(texts) != 1:
        return Policy(name, texts, {})
    tags, fault = read_tags(texts[0])
    return Policy(name, texts, dict(tags), fault)


def walked_names(domain: str) -> list[str]:
    """The names that are asked for, longest first: at most eight, the domain itself among them."""
    labels = domain.split(".")
    start = 1 if len(labels) < QUERIES else len(labels) - (QUERIES - 1)
    return [domain, *(".".join(labels[first:]) for first in range(start, len(labels)))]


def walk(domain: str, look: Look) -> list[Policy]:
    """The policies that count, from the domain upwards, to the first with psd=y or psd=n. Raises Blind."""
    found = []
    for name in walked_names(domain):
        policy = policy_at(name, look)
        if policy.counts:
            found.append(policy)
            if policy.tags.get("psd", "").lower() in ("y", "n"):
                break
    return found


def organisation(domain: str, walked: list[Policy]) -> str:
    """The organisational domain, from the walk of *domain* (RFC 9989 4.10.2); the domain itself when nobody published
    anything."""
    if not walked:
        return domain
    last = walked[-1]
    if last.tags.get("psd", "").lower() == "y" and last.name != domain:
        labels = domain.split(".")
        return ".".join(labels[-(len(last.name.split(".")) + 1) :])
    return last.name


def policy_for(domain: str, look: Look) -> Policy | None:
    """The policy receivers apply to mail from *domain*: its own, else its organisation's, else the public suffix'
    (RFC 9989 4.10.1). Raises Blind."""
    own = policy_at(domain, look)
    if own.counts:
        return own
    walked = walk(domain, look)
    org = organisation(domain, walked)
    by_name = {policy.name: policy for policy in walked}
    return by_name.get(org) or (walked[-1] if walked else None)
