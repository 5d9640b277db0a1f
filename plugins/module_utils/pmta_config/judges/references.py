# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names lead somewhere, and to one thing only."""

from __future__ import annotations

from collections.abc import Callable

from .. import values
from ..facts import Facts
from ..finding import ERROR, WARNING, Report, Rule

RULES = {
    "vmta-undefined": Rule(
        ERROR,
        "Mail is sent to a virtual MTA or pool that does not exist: PowerMTA refuses the file, or the mail is refused or bounced.",
        "Define the virtual MTA or pool, or correct the name",
    ),
    "pool-member": Rule(
        ERROR, "The members of a pool are virtual MTAs.", "List virtual MTAs only; a pool cannot hold a pool"
    ),
    "source-undefined": Rule(
        ERROR,
        "A listener or user names a source whose settings do not exist, so its mail is not taken as meant.",
        "Add <source NAME>, or correct the name",
    ),
    "pattern-list-undefined": Rule(
        ERROR,
        "Without the list no sender finds its virtual MTA.",
        "Add <pattern-list NAME> above the source, or correct the name",
    ),
    "pattern-list-order": Rule(
        ERROR,
        "PowerMTA reads from top to bottom and knows a pattern list only below its definition.",
        "Move the pattern list above the source that uses it",
    ),
    "pattern-list-twice": Rule(
        ERROR,
        "A source takes one pattern list; the other one would not be asked.",
        "Merge the lists: a source takes one pattern-list",
    ),
    "smtp-pattern-list-undefined": Rule(
        ERROR,
        "Without the list no reply of this receiver starts backoff or bounces anything.",
        "Add <smtp-pattern-list NAME>, or correct the name",
    ),
    "rewrite-list-undefined": Rule(
        ERROR, "Without the list no address is rewritten.", "Add <rewrite-list NAME>, or correct the name"
    ),
    "address-list-undefined": Rule(
        ERROR, "Without the list nobody's mail is suppressed.", "Add <address-list NAME>, or correct the name"
    ),
    "source-group-undefined": Rule(
        ERROR, "Without the group the shared limits do not hold.", "Add <source-group NAME>, or correct the name"
    ),
    "proxy-undefined": Rule(
        ERROR, "Without the proxy the virtual MTA has no way out.", "Add <proxy NAME>, or correct the name"
    ),
    "macro-undefined": Rule(
        ERROR,
        "The macro stands for no domain, so the rules behind it are for nobody.",
        "Add domain-macro NAME list, or correct the name",
    ),
    "macro-without-dollar": Rule(
        WARNING,
        "Without the dollar sign the tag is for a domain of that very name, which nobody has: the macro's domains get none of these"
        " settings.",
        "Write <domain $NAME>",
    ),
    "macro-loop": Rule(
        ERROR, "Macros that lead back to themselves are a load error.", "A macro may use others, never itself"
    ),
    "duplicate-name": Rule(
        ERROR,
        "One name for two things: PowerMTA cannot tell which of them a message is meant for.",
        "Virtual MTAs and pools share one name space: rename one",
    ),
    "pool-weight": Rule(
        ERROR,
        "Weights come from other servers' languages. PowerMTA has none: with them the line is not read as meant.",
        "A pool's virtual-mta takes one name; selection is round-robin, there are no weights",
    ),
    "pool-domain-overlap": Rule(
        ERROR,
        "A virtual MTA would inherit two sets of <domain> rules, which PowerMTA refuses.",
        "A virtual MTA may not be in two pools that both hold <domain> tags",
    ),
    "pool-empty": Rule(WARNING, "Mail for a pool without members goes nowhere.", "List at least one virtual-mta"),
}


def judge(facts: Facts, report: Report, unresolved: str) -> None:
    references(facts, report, unresolved)
    macros(facts, report, unresolved)
    pools(facts, report)


def _elsewhere(facts: Facts, unresolved: str) -> Callable[..., str]:
    """Severity of a name of these kinds that is not defined: a part that defines none of them counts on another file to do so."""

    def severity(*kinds: str) -> str:
        return unresolved if facts.whole or any(facts.defined.get(kind) for kind in kinds) else WARNING

    return severity


def references(facts: Facts, report: Report, unresolved: str) -> None:
    """Names of virtual MTAs, pools, sources, lists and proxies lead somewhere."""
    severity = _elsewhere(facts, unresolved)
    for use in facts.uses:
        kind, name = use.kind, use.name
        if kind == "vmta":
            if (
                not facts.has("virtual-mta", name)
                and not facts.has("virtual-mta-pool", name)
                and name.lower() != "{default}"
            ):
                known = severity("virtual-mta", "virtual-mta-pool")
                report("vmta-undefined", use.place, f"no virtual MTA or pool is named {name!r}", severity=known)
        elif kind == "member":
            if facts.has("virtual-mta", name):
                continue
            if facts.has("virtual-mta-pool", name):
                report("pool-member", use.place, f"{name!r} is a pool")
            else:
                report(
                    "vmta-undefined", use.place, f"no virtual MTA is named {name!r}", severity=severity("virtual-mta")
                )
        elif kind == "source":
            if not facts.has("source", name) and not name.startswith("{") and values.cidr(name):
                report("source-undefined", use.place, f"no source is named {name!r}", severity=severity("source"))
        elif kind in ("pattern-list", "list"):
            defined = facts.defined.get("pattern-list", {}).get(name.lower())
            if defined is None:
                known = severity("pattern-list")
                report("pattern-list-undefined", use.place, f"no pattern list is named {name!r}", severity=known)
            elif kind == "pattern-list" and defined.order > use.order:
                report(
                    "pattern-list-order",
                    use.place,
                    f"pattern list {name!r} is defined below, in line {defined.node.line}",
                )
        elif kind != "macro" and not facts.has(kind, name):
            report(f"{kind}-undefined", use.place, f"no {kind} is named {name!r}", severity=severity(kind))


def macros(facts: Facts, report: Report, unresolved: str) -> None:
    """Macros exist, and none leads back to itself."""
    severity = unresolved if facts.whole or facts.macros else WARNING
    for use in facts.uses:
        if use.kind == "macro" and use.name.lower() not in facts.macros:
            report("macro-undefined", use.place, f"no domain-macro is named {use.name!r}", severity=severity)
    for held in facts.held("domain") if facts.macros else ():
        if held.name in facts.macros and not any(line[0] == "smtp-hosts" for line in held.lines):
            report(
                "macro-without-dollar",
                held.place,
                f"{held.node.value} is a domain-macro, and here the name of a domain",
                f"Write <domain ${held.node.value}>",
            )
    # Repeatedly drop macros whose parts are all known to end; what remains is on, or leads into, a loop.
    waiting = {name: {part for part in parts if part in facts.macros} for name, (parts, _place) in facts.macros.items()}
    users: dict[str, list[str]] = {}
    for name, parts in waiting.items():
        for part in parts:
            users.setdefault(part, []).append(name)
    ready = [name for name, parts in waiting.items() if not parts]
    while ready:
        done = ready.pop()
        del waiting[done]
        for user in users.get(done, ()):
            waiting[user].discard(done)
            if not waiting[user]:
                ready.append(user)
    for name in waiting:
        report("macro-loop", facts.macros[name][1], f"domain-macro {name} leads back to itself")


def pools(facts: Facts, report: Report) -> None:
    """A pool has members; none of them is in two pools that both hold <domain> tags."""
    owner: dict[str, str] = {}
    for name, (members, holds_domains, place) in facts.pools.items():
        if not members and facts.complete:
            report("pool-empty", place, f"pool {name!r} has no virtual-mta")
        if not holds_domains:
            continue
        for member in dict.fromkeys(members):
            if member in owner:
                report(
                    "pool-domain-overlap",
                    place,
                    f"{member!r} is in the pools {owner[member]!r} and {name!r}, and both hold <domain> tags",
                )
            else:
                owner[member] = name
