# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``<mx-rollup-list>``: domains whose MX a rule names share the queue NAME.rollup. Decided when a message is queued, before
any ``<domain>`` tag is looked up for it."""

from __future__ import annotations

from collections.abc import Callable

from .domains import matches
from .model import Config
from .tree import Setting

SUFFIX = ".rollup"


def rules(config: Config) -> list[Setting]:
    """The ``mx`` lines in their order."""
    return [setting for block in config.top.inside("mx-rollup-list") for setting in block.all("mx")]


def target(config: Config, domain: str, vmta: str, mx_names: Callable[[str], list[str]]) -> str:
    """The domain part of the queue before ``queue-to``: the first rule that fits any of the domain's MX names, or *domain*."""
    found = rules(config)
    if not found or domain.startswith("[") or config.setting(domain, vmta, "disable-mx-rollup"):
        return domain
    names = mx_names(domain)
    return next((rule.args[1] for rule in found if any(matches(rule.args[0], name) for name in names)), domain)


def by_ip(config: Config, queue_domain: str) -> bool:
    """Whether a rule sends mail of this queue to the hosts of each recipient's own domain."""
    return any(rule.args[1] == queue_domain and len(rule.args) > 2 for rule in rules(config))


def hosts(config: Config, queue_domain: str) -> list[str]:
    """Where a roll-up queue without ``smtp-hosts`` goes: the MX its rules name. A wild card names none."""
    return [
        rule.args[0]
        for rule in rules(config)
        if rule.args[1] == queue_domain and not rule.args[0].startswith(("*", "["))
    ]
