# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that need the whole configuration: references, required settings, and what loads but loses, leaks or unsigns mail."""

from __future__ import annotations

from collections.abc import Callable

from ..relaying import address_pattern_fault, domain_pattern_fault, network_fault
from . import values
from .facts import Facts, Place, Setting
from .tree import Config, Directive, Section

Report = Callable[..., None]

_YES = frozenset(("yes", "true"))


def judge(facts: Facts, report: Report, unresolved: str, config: Config) -> None:
    """Call every rule. unresolved: severity of a name that is not defined here (an unread include may define it)."""
    references(facts, report, unresolved)
    macros(facts, report, unresolved)
    pools(facts, report)
    required(facts, report, config)
    keys(facts, report, unresolved)
    relaying(facts, report)
    recipients(facts, report)
    web_access(facts, report)
    unwise(facts, report)


def _on(setting: Setting) -> bool:
    return bool(setting.directive.args) and setting.directive.values[0].lower() in _YES


def references(facts: Facts, report: Report, unresolved: str) -> None:
    """Names of virtual MTAs, pools, sources, lists and proxies lead somewhere."""
    for use in facts.uses:
        kind, name = use.kind, use.name
        if kind == "vmta":
            if (
                not facts.has("virtual-mta", name)
                and not facts.has("virtual-mta-pool", name)
                and name.lower() != "{default}"
            ):
                report("vmta-undefined", use.place, f"no virtual MTA or pool is named {name!r}", severity=unresolved)
        elif kind == "member":
            if facts.has("virtual-mta", name):
                continue
            if facts.has("virtual-mta-pool", name):
                report("pool-member", use.place, f"{name!r} is a pool")
            else:
                report("vmta-undefined", use.place, f"no virtual MTA is named {name!r}", severity=unresolved)
        elif kind == "source":
            if not facts.has("source", name) and not name.startswith("{") and values.cidr(name):
                report("source-undefined", use.place, f"no source is named {name!r}", severity=unresolved)
        elif kind in ("pattern-list", "list"):
            defined = facts.defined.get("pattern-list", {}).get(name.lower())
            if defined is None:
                report("pattern-list-undefined", use.place, f"no pattern list is named {name!r}", severity=unresolved)
            elif kind == "pattern-list" and defined.order > use.order:
                report(
                    "pattern-list-order",
                    use.place,
                    f"pattern list {name!r} is defined below, in line {defined.node.line}",
                )
        elif kind != "macro" and not facts.has(kind, name):
            report(f"{kind}-undefined", use.place, f"no {kind} is named {name!r}", severity=unresolved)


def macros(facts: Facts, report: Report, unresolved: str) -> None:
    """Macros exist, and none leads back to itself."""
    for use in facts.uses:
        if use.kind == "macro" and use.name.lower() not in facts.macros:
            report("macro-undefined", use.place, f"no domain-macro is named {use.name!r}", severity=unresolved)
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


def required(facts: Facts, report: Report, config: Config) -> None:
    """What PowerMTA does not start without."""
    if not facts.whole or not facts.complete:
        return
    # There is no line to point at: the top of the file.
    top = Place(config.file, Directive(""))
    for name in ("postmaster", "log-file"):
        if not facts.of(name):
            report(f"missing-{name}", top, f"{name} is required")
    if not facts.spools and not facts.defined.get("spool"):
        report("missing-spool", top, "a spool is required")


def keys(facts: Facts, report: Report, unresolved: str) -> None:
    """One key per selector and domain, and somebody signs."""
    known: dict[tuple[str, str], tuple[str, Place]] = {}
    for selector, domain, path, place in facts.keys:
        if domain == "*":
            # d= is then the sending domain: other virtual MTAs may have other domains and keys.
            continue
        first = known.setdefault((selector, domain), (path, place))
        if first[0] != path:
            report(
                "dkim-two-keys",
                place,
                f"selector {selector!r} of {domain} has another key file in line {first[1].node.line}: {first[0]}",
            )
    if not facts.keys:
        return
    signing = facts.of("dkim-sign") + facts.of("second-dkim-sign")
    if not any(
        setting.directive.args and setting.directive.values[0].lower() not in ("no", "false") for setting in signing
    ):
        report(
            "dkim-not-signed",
            facts.keys[0].place,
            "a domain-key, and no dkim-sign yes anywhere: mail goes out unsigned",
            severity=unresolved,
        )


def _source(around: tuple[Section, ...]) -> str:
    return around[-1].value.lower() if around else ""


def relaying(facts: Facts, report: Report) -> None:
    """Nobody relays for strangers: neither <source 0/0> nor a source that a listener hands out to whoever connects."""
    authenticated = {_source(setting.around) for setting in facts.of("require-auth") if _on(setting)}
    listened: dict[str, str] = {}
    for where, name, _place in facts.listeners:
        bound = values.network(where.rpartition(":")[0])
        if bound is None or not bound.is_loopback:
            listened.setdefault(name.lower(), where)
    for setting in facts.of("always-allow-relaying"):
        name = _source(setting.around)
        if not _on(setting) or name in authenticated:
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


def unwise(facts: Facts, report: Report) -> None:
    """Lines that load and do not do what they seem to."""
    cold = {_source(setting.around[:1]) for setting in facts.of("cold-virtual-mta") + facts.of("auto-cold-virtual-mta")}
    for setting in facts.of("max-cold-virtual-mta-msg"):
        inside = setting.around[0].tag.lower() in ("virtual-mta", "virtual-mta-pool") if setting.around else False
        if not cold or (
            inside and setting.around[0].tag.lower() == "virtual-mta" and _source(setting.around[:1]) not in cold
        ):
            pooled = inside and any(
                _source(setting.around[:1]) in members
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
        if _on(setting) and setting.around and setting.around[-1].value == "*":
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
