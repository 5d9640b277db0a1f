# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines about delivery that load and do not do what they seem to."""

from __future__ import annotations

from .. import values
from ..facts import Facts, Held, Line, around_name, at, on
from ..finding import ERROR, WARNING, Report, Rule
from ..tree import Section
from .scopes import Scopes

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
    "cold-borrows-identity": Rule(
        WARNING,
        "Mail for the warm virtual MTA is sent from the cold one's address and name. That fits a standby of the same sender only:"
        " another sender's reputation would pay for it.",
        "Divert to a virtual MTA of the same domain, or cap with max-smtp-msg-rate instead",
    ),
    "vmta-domain-beats-isp": Rule(
        WARNING,
        "The rules of a virtual MTA or pool come before the global ones: its <domain *> takes the place of what the global <domain>"
        " of a receiver says, however carefully that was tuned.",
        "Remove the line, or repeat the receiver's rule inside the virtual MTA",
    ),
    "vmta-rate-per-domain": Rule(
        WARNING,
        "max-msg-rate holds for each recipient domain by itself: with a thousand of them the virtual MTA may send a thousand times"
        " as much.",
        "Add max-smtp-msg-rate to the virtual MTA for a total",
    ),
    "rate-zero": Rule(
        WARNING,
        "A rate of nothing per hour is no pause: what is queued waits, expires at bounce-after and bounces, and the line is forgotten"
        " until somebody wonders.",
        "Hold mail with `pmta pause queue`, and new mail at the feeder; name a rate here",
    ),
    "assume-delivery": Rule(
        WARNING,
        "Messages whose last reply never came count as delivered: those that the receiver did not take are lost, and nothing says so.",
        "Remove the line",
    ),
    "spf-check-without-source": Rule(
        WARNING,
        "check-spf-outbound needs an explicit smtp-source-host: without one the mail stays in the queue with a 4xx.",
        "Add smtp-source-host to the virtual MTA",
    ),
    "dane-without-dnssec": Rule(
        WARNING,
        "DANE is worth what the resolver's DNSSEC validation is worth. Without a validating resolver the TLSA records are not"
        " trusted, or mail to hosts that have them waits.",
        "Name a validating resolver: name-server 127.0.0.1",
    ),
    "mail-discarded": Rule(
        WARNING,
        "type discard and the dummy SMTP sink take mail, report it as delivered and throw it away. That is for tests.",
        "Remove the line where mail is to arrive",
    ),
    "dummy-sink": Rule(
        WARNING,
        "The dummy SMTP server accepts mail from whoever reaches it and throws it away. It is for tests on this host.",
        "Set dummy-smtp-port 0, or dummy-smtp-ip 127.0.0.1",
    ),
    "bounce-before-retry": Rule(
        WARNING,
        "The mail bounces before the first retry: every receiver that asks to come back later loses it.",
        "Set bounce-after to several times retry-after; 4d12h is the default",
    ),
    "retry-at-once": Rule(
        WARNING,
        "Retries within a minute of a refusal look like an attack, and greylisting never lets them in.",
        "Set retry-after to 10m or more",
    ),
}


def judge(facts: Facts, report: Report, scopes: Scopes) -> None:
    unwise(facts, report)
    cold(facts, report, scopes)
    beaten(facts, report, scopes)
    rates(facts, report, scopes)
    lost(facts, report)
    sources(facts, report)
    resolver(facts, report)
    retries(facts, report, scopes)


def unwise(facts: Facts, report: Report) -> None:
    """Lines that load and do not do what they seem to."""
    cold = {
        around_name(setting.around[:1]) for setting in facts.of("cold-virtual-mta") + facts.of("auto-cold-virtual-mta")
    }
    for setting in facts.of("max-cold-virtual-mta-msg"):
        if setting.directive.values[:1] == ("0",):
            continue
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


def _of_vmtas(held: Held) -> bool:
    return held.name == "*" and held.scope[0] in ("virtual-mta", "virtual-mta-pool")


def _word(line: Line | None) -> str:
    return "" if line is None else (line[1].values or ("",))[0].lower()


def cold(facts: Facts, report: Report, scopes: Scopes) -> None:
    """A cold virtual MTA that is another sender's."""
    vmtas = {held.name: held for held in reversed(facts.held("virtual-mta"))}
    for held in facts.held("virtual-mta"):
        for line in held.all("cold-virtual-mta"):
            other = vmtas.get(_word(line))
            if other is None:
                continue
            ours, theirs = _identities(held), _identities(other)
            if ours and theirs and not any(_related(one, two) for one in ours for two in theirs):
                report(
                    "cold-borrows-identity",
                    at(line, 1),
                    f"{other.node.value} is {sorted(theirs)[0]}, {held.node.value} is {sorted(ours)[0]}",
                )


def _identities(held: Held) -> set[str]:
    """The domains that a virtual MTA has keys for; without keys those of its host names."""
    keys = {values.items(line[1].args)[1].lower() for line in held.all("domain-key")} - {"*"}
    hosts = {line[1].values[1].lower() for line in held.all("smtp-source-host")}
    return keys or {host.partition(".")[2] for host in hosts}


def _related(one: str, two: str) -> bool:
    # Sister names such as mail1.example.com and mail2.example.com are one sender's.
    return (
        one == two or one.endswith("." + two) or two.endswith("." + one) or one.split(".")[-2:] == two.split(".")[-2:]
    )


def beaten(facts: Facts, report: Report, scopes: Scopes) -> None:
    """<domain *> of a virtual MTA or pool against the global <domain> of a receiver."""
    receivers: dict[str, list[tuple[Held, Line]]] = {}
    for held in scopes.of(("", "")):
        if held.name[:1] not in "*{" and not held.name.endswith((".rollup", ".queue")):
            for line in held.lines:
                receivers.setdefault(line[0], []).append((held, line))
    if not receivers:
        return
    for held in facts.held("domain"):
        # One that holds its mail, or hands it to another host, has rules of its own on purpose.
        if not _of_vmtas(held) or held.last("smtp-hosts"):
            continue
        for line in held.lines:
            beats = next(
                (
                    (other, theirs)
                    for other, theirs in receivers.get(line[0], ())
                    if theirs[1].args != line[1].args and not _repeated(scopes, held, other.name, line[0])
                ),
                None,
            )
            if beats:
                report(
                    "vmta-domain-beats-isp",
                    at(line),
                    f"{line[0]} here beats that of <domain {beats[0].node.value}> in line {beats[1][1].line}",
                )


def _repeated(scopes: Scopes, held: Held, receiver: str, name: str) -> bool:
    """Whether the virtual MTA has a rule of its own for the receiver."""
    return any(other.name == receiver and other.last(name) for other in scopes.of(held.scope))


def rates(facts: Facts, report: Report, scopes: Scopes) -> None:
    totals = {
        (tag, held.name)
        for tag in ("virtual-mta", "virtual-mta-pool")
        for held in facts.held(tag)
        if held.last("max-smtp-msg-rate")
    }
    for held in facts.held("domain"):
        line = held.last("max-msg-rate")
        if line is None or not _of_vmtas(held) or _word(line) in ("unlimited", "0") or _word(line).startswith("0/"):
            continue
        if not any(scope in totals for scope in scopes.around(held.scope)):
            report("vmta-rate-per-domain", at(line), f"{_word(line)} for each recipient domain, and no total")


def lost(facts: Facts, report: Report) -> None:
    for held in facts.held("domain"):
        if held.yes("assume-delivery-upon-data-termination-timeout"):
            line = held.last("assume-delivery-upon-data-termination-timeout")
            report("assume-delivery", at(line), "mail whose last reply never came counts as delivered")
        if held.value("type") == "discard" and held.name == "*":
            report("mail-discarded", at(held.last("type")), "all mail of this scope is thrown away")
    line = facts.top.last("dummy-smtp-port")
    if line is not None and _word(line) != "0":
        where = values.network(facts.top.value("dummy-smtp-ip") or "")
        if where is None or not where.is_loopback:
            report("dummy-sink", at(line), "the dummy SMTP server is reachable from outside this host")


def sources(facts: Facts, report: Report) -> None:
    """check-spf-outbound where a virtual MTA has no address of its own."""
    if not facts.complete or "" in facts.addressed:
        return
    bare = [held for held in facts.held("virtual-mta") if held.name not in facts.addressed]
    for held in facts.held("domain"):
        if not held.yes("check-spf-outbound"):
            continue
        tag, name = held.scope
        members = facts.pools[name][0] if tag == "virtual-mta-pool" and name in facts.pools else None
        without = next(
            (
                vmta
                for vmta in bare
                if not tag or (vmta.name == name and tag == "virtual-mta") or (members and vmta.name in members)
            ),
            None,
        )
        if without is not None:
            report(
                "spf-check-without-source",
                at(held.last("check-spf-outbound")),
                f"virtual MTA {without.node.value} has no smtp-source-host",
            )


def resolver(facts: Facts, report: Report) -> None:
    servers = [values.network(_word(line)) for line in facts.top.all("name-server")]
    if any(server is not None and server.is_private for server in servers):
        return
    for held in facts.held("domain"):
        if held.yes("use-dane"):
            report("dane-without-dnssec", at(held.last("use-dane")), "no name-server of your own is named")
            return


def retries(facts: Facts, report: Report, scopes: Scopes) -> None:
    for held in facts.held("domain"):
        own_retry, own_end = held.last("retry-after"), held.last("bounce-after")
        if own_retry is None and own_end is None:
            continue
        retry = _first(own_retry or scopes.inherited(held, "retry-after"))
        end = _first(own_end or scopes.inherited(held, "bounce-after"))
        if own_retry is not None and 0 < retry < 60:
            report("retry-at-once", at(own_retry), f"retries after {retry} seconds")
        if 0 < end <= retry:
            report(
                "bounce-before-retry",
                at(own_end or own_retry),
                f"mail bounces after {end} seconds, and the first retry is after {retry}",
            )


def _first(line: Line | None) -> int:
    return 0 if line is None else values.seconds(values.items(line[1].args)[0])
