# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines about delivery that load and do not do what they seem to."""

from __future__ import annotations

from ..facts import Facts, around_name, on
from ..finding import ERROR, WARNING, Report, Rule
from ..tree import Section

RULES = {
    "source-host-swapped": Rule(
        ERROR,
        "A whole family of copied configurations has the host name first: the virtual MTA then has no address of its own.",
        "The address comes first: smtp-source-host IP HOST",
    ),
    "source-host-missing": Rule(
        WARNING,
        "A virtual MTA without an address sends from the machine's own, hence under another reputation.",
        "Add smtp-source-host: without it the machine's own address sends",
    ),
    "cold-without-vmta": Rule(
        WARNING,
        "max-cold-virtual-mta-msg counts what is diverted to a cold virtual MTA. Without one it does nothing, and the new address"
        " that it was to protect sends without any limit.",
        "It diverts to a cold-virtual-mta and caps nothing; cap with max-smtp-msg-rate",
    ),
    "starttls-required": Rule(
        WARNING,
        "Mail to hosts without TLS waits until it bounces.",
        "Hosts without TLS never get their mail; require it per domain",
    ),
}


def judge(facts: Facts, report: Report) -> None:
    """Lines that load and do not do what they seem to."""
    cold = {
        around_name(setting.around[:1]) for setting in facts.of("cold-virtual-mta") + facts.of("auto-cold-virtual-mta")
    }
    for setting in facts.of("max-cold-virtual-mta-msg"):
        inside = setting.around[0].tag.lower() in ("virtual-mta", "virtual-mta-pool") if setting.around else False
        if not cold or (
            inside and setting.around[0].tag.lower() == "virtual-mta" and around_name(setting.around[:1]) not in cold
        ):
            pooled = inside and any(
                around_name(setting.around[:1]) in members
                for name, (members, _holds, _place) in facts.pools.items()
                if name in cold
            )
            if not pooled:
                report(
                    "cold-without-vmta",
                    setting.place,
                    "max-cold-virtual-mta-msg without a cold-virtual-mta does nothing",
                )
    for setting in facts.of("require-starttls"):
        if on(setting) and setting.around and setting.around[-1].value == "*":
            report(
                "starttls-required",
                setting.place,
                "require-starttls for every domain holds mail to hosts without TLS until bounce-after",
            )
    if facts.complete and "" not in facts.addressed:
        for name, place in facts.defined.get("virtual-mta", {}).items():
            # One that holds <domain> tags may be made to deliver nothing on purpose.
            held = any(isinstance(child, Section) for child in place.node.nodes)
            if name not in facts.addressed and not held:
                report("source-host-missing", place, f"virtual MTA {name!r} has no address of its own")
