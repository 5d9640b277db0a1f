# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that comes back: the processors get it only if PowerMTA takes it."""

from __future__ import annotations

from ..facts import Facts, at
from ..finding import WARNING, Report, Rule
from .scopes import covers

RULES = {
    "processor-not-reachable": Rule(
        WARNING,
        "Bounces and complaints are read only if PowerMTA takes the mail they come in: its domain must be relayed, and a listener must"
        " stand on port 25, where other servers deliver.",
        "Add relay-domain DOMAIN (or relay-address) and smtp-listener ADDRESS:25",
    ),
}


def judge(facts: Facts, report: Report) -> None:
    if not facts.complete:
        return
    taken = [(line[1].values or ("",))[0].lower() for line in facts.top.all("relay-domain", "host-name")]
    addresses = " ".join(line[1].args[0].lower().replace("\\", "") for line in facts.top.all("relay-address"))
    macros = any("$" in pattern for pattern in taken)
    processors = {
        id(held.node): held for tag in ("bounce-processor", "feedback-loop-processor") for held in facts.held(tag)
    }
    for held in facts.held("address-list"):
        if not held.around or id(held.around[-1]) not in processors:
            continue
        for line in held.all("domain"):
            name = (line[1].values or ("",))[0].lower()
            if not macros and not any(covers(pattern, name) for pattern in taken) and f"@{name}" not in addresses:
                report("processor-not-reachable", at(line, 1), f"mail to {name} is not taken")
    ports = listened(facts)
    if ports and "25" not in ports:
        for held in processors.values():
            report(
                "processor-not-reachable",
                held.place,
                f"no smtp-listener on port 25, only on {', '.join(sorted(ports))}",
            )


def listened(facts: Facts) -> set[str]:
    where = [line[1].values[0] for line in facts.top.all("smtp-listener") if line[1].args]
    where += [held.name for held in facts.held("smtp-listener")]
    return {address.rpartition(":")[2] for address in where}
