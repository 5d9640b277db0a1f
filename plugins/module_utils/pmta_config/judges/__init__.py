# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that need the whole configuration, one file per theme: what they are (`RULES`), and the functions that judge by them."""

from __future__ import annotations

from ..facts import Facts
from ..finding import Report, Rule
from ..tree import Config
from . import access, accounting, delivery, inbound, references, replies, required, rollup, senders, signing
from .scopes import Scopes

RULES: dict[str, Rule] = {
    **references.RULES,
    **required.RULES,
    **signing.RULES,
    **access.RULES,
    **senders.RULES,
    **replies.RULES,
    **delivery.RULES,
    **rollup.RULES,
    **inbound.RULES,
    **accounting.RULES,
}


def judge(facts: Facts, report: Report, unresolved: str, config: Config) -> None:
    """Call every rule. unresolved: severity of a name that is not defined here (an unread include may define it)."""
    scopes = Scopes(facts)
    references.judge(facts, report, unresolved)
    required.judge(facts, report, config)
    signing.judge(facts, report, unresolved, scopes)
    access.judge(facts, report)
    senders.judge(facts, report)
    replies.judge(facts, report, scopes)
    delivery.judge(facts, report, scopes)
    rollup.judge(facts, report, scopes)
    inbound.judge(facts, report)
    accounting.judge(facts, report)
