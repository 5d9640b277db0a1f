# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may hand in mail, and who sees the web monitor."""

from __future__ import annotations

from ...relaying import address_pattern_fault, domain_pattern_fault, network_fault
from .. import values
from ..facts import Facts, around_name, on
from ..finding import ERROR, Report, Rule

RULES = {
    "open-relay": Rule(
        ERROR,
        "Strangers could send through this server. It is found within hours, and its addresses are listed the same day.",
        "Allow relaying in <source> of the feeders' addresses only, or require-auth true",
    ),
    "http-access-open": Rule(
        ERROR,
        "The web monitor shows addresses and logs and can administer the server; open to everybody it is read by everybody.",
        "Limit http-access to the addresses of your operators",
    ),
}


def judge(facts: Facts, report: Report) -> None:
    relaying(facts, report)
    recipients(facts, report)
    web_access(facts, report)


def relaying(facts: Facts, report: Report) -> None:
    """Nobody relays for strangers: neither <source 0/0> nor a source that a listener hands out to whoever connects."""
    authenticated = {around_name(setting.around) for setting in facts.of("require-auth") if on(setting)}
    listened: dict[str, str] = {}
    for where, name, _place in facts.listeners:
        bound = values.network(where.rpartition(":")[0])
        if bound is None or not bound.is_loopback:
            listened.setdefault(name.lower(), where)
    for setting in facts.of("always-allow-relaying"):
        name = around_name(setting.around)
        if not on(setting) or name in authenticated:
            continue
        network = values.network(name)
        wide = network_fault(network) if network is not None else None
        if wide:
            report("open-relay", setting.place, f"<source {name}> {wide}")
        elif name in listened:
            report(
                "open-relay",
                setting.place,
                f"whoever reaches {listened[name]} gets this source, and may relay to anywhere",
            )


def recipients(facts: Facts, report: Report) -> None:
    """What is taken from everybody is for known domains only."""
    for name, judged in (("relay-domain", domain_pattern_fault), ("relay-address", address_pattern_fault)):
        for setting in facts.of(name):
            word = " ".join(setting.directive.values)
            wide = judged(word.lower() if judged is domain_pattern_fault else word)
            if wide:
                report("open-relay", setting.place, f"{name} {word[:60]} {wide}", f"Name your own domains in {name}")


def web_access(facts: Facts, report: Report) -> None:
    """The web monitor shows addresses and logs, and can administer."""
    for setting in facts.of("http-access"):
        args = setting.directive.values
        network = values.network(args[0]) if len(args) > 1 else None
        if network is not None and network.prefixlen == 0 and args[1].lower() != "none":
            report("http-access-open", setting.place, f"the web monitor is open to everybody ({args[1]})")
