# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MX roll-up: mail that leaves its domain's queue for another one takes no rules along."""

from __future__ import annotations

import fnmatch

from ..facts import Facts, Held, Line, at
from ..finding import WARNING, Report, Rule
from .scopes import Scopes

RULES = {
    "rollup-hides-domain": Rule(
        WARNING,
        "MX roll-up comes before the look-up of <domain>: mail of a domain that is rolled up follows the rules of the roll-up's queue,"
        " and those of the domain itself are never used.",
        "Give <domain NAME.rollup> the same lines, or set disable-mx-rollup yes in the domain",
    ),
    "rollup-without-hosts": Rule(
        WARNING,
        "The roll-up's name is no domain: without smtp-hosts PowerMTA does not know where mail that a wildcard rolled up belongs.",
        "Add <domain NAME.rollup> with smtp-hosts lookup-mx:A-DOMAIN-OF-IT, or write rollup-by-ip",
    ),
}

# Domains of the large receivers by the MX hosts they publish. Sources: the receivers' own set-up pages (Google Workspace,
# Microsoft 365) and the MX records of the domains; a domain that moves is one warning too many or too few.
MX_HOSTS = {
    "gmail-smtp-in.l.google.com": ("gmail.com", "googlemail.com"),
    "hotmail-com.olc.protection.outlook.com": (
        "hotmail.com",
        "hotmail.fr",
        "hotmail.co.uk",
        "hotmail.de",
        "hotmail.it",
    ),
    "outlook-com.olc.protection.outlook.com": (
        "outlook.com",
        "outlook.fr",
        "outlook.de",
        "live.com",
        "live.fr",
        "msn.com",
    ),
    "mta5.am0.yahoodns.net": ("yahoo.com", "ymail.com", "rocketmail.com", "yahoo.fr", "yahoo.co.uk", "aol.com"),
    "smtp-in.orange.fr": ("orange.fr", "wanadoo.fr"),
    "mx1.free.fr": ("free.fr",),
    "smtp-in.sfr.fr": ("sfr.fr", "neuf.fr", "cegetel.net"),
    "smtpz4.laposte.net": ("laposte.net",),
    "mx00.gmx.net": ("gmx.de", "gmx.net"),
    "mx00.mail.com": ("mail.com",),
    "mx01.mail.icloud.com": ("icloud.com", "me.com", "mac.com"),
}


def judge(facts: Facts, report: Report, scopes: Scopes) -> None:
    rollups = [line for held in facts.held("mx-rollup-list") for line in held.all("mx") if len(line[1].args) > 1]
    if not rollups or not facts.complete:
        return
    hosts(facts, report, rollups)
    hidden(facts, report, scopes, rollups)


def hosts(facts: Facts, report: Report, rollups: list[Line]) -> None:
    known = {held.name for held in facts.held("domain") if held.last("smtp-hosts")}
    for line in rollups:
        pattern, target, *by_ip = line[1].values
        if "*" in pattern and not by_ip and target.lower() not in known:
            report("rollup-without-hosts", at(line, 2), f"<domain {target}> has no smtp-hosts")


def hidden(facts: Facts, report: Report, scopes: Scopes, rollups: list[Line]) -> None:
    targets: dict[str, str] = {}
    for line in rollups:
        pattern, target = (word.lower() for word in line[1].values[:2])
        for host, domains in MX_HOSTS.items():
            if fnmatch.fnmatchcase(host, pattern):
                for domain in domains:
                    targets.setdefault(domain, target)
    # A roll-up named after a domain's first label is meant for it.
    by_label = {line[1].values[1].lower().partition(".")[0]: line[1].values[1].lower() for line in rollups}
    carried: dict[tuple[tuple[str, str], str], set] = {}
    for held in facts.held("domain"):
        carried.setdefault((held.scope, held.name), set()).update((name, node.args) for name, node, _file in held.lines)
    apart = _apart(facts, scopes)
    for held in facts.held("domain"):
        if held.name.endswith(".rollup") or held.name[:1] in "*{[" or held.yes("disable-mx-rollup"):
            continue
        moved = {}
        for domain in scopes.domains(held.name):
            if domain in apart:
                continue
            target = targets.get(domain) or by_label.get(domain.partition(".")[0])
            if target:
                moved[domain] = target
        for domain, target in sorted(moved.items()):
            lost = next((line for line in held.lines if not _carried(line, carried, held, target)), None)
            if lost is not None:
                report(
                    "rollup-hides-domain",
                    at(lost),
                    f"mail to {domain} is rolled up into {target}, where this {lost[0]} does not hold",
                )
                break


def _carried(line: Line, carried: dict, held: Held, target: str) -> bool:
    name, node, _file = line
    return name in ("smtp-hosts", "disable-mx-rollup", "include") or (name, node.args) in carried.get(
        (held.scope, target), ()
    )


def _apart(facts: Facts, scopes: Scopes) -> set[str]:
    """Domains that opt out of roll-up."""
    return {
        domain for held in facts.held("domain") if held.yes("disable-mx-rollup") for domain in scopes.domains(held.name)
    }
