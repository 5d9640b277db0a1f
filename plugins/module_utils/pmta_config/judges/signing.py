# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM: every message is signed, by a key that is its sender's own."""

from __future__ import annotations

import re

from .. import values
from ..facts import Facts, Held, Place, at
from ..finding import ERROR, WARNING, Report, Rule
from .scopes import Scopes
from .senders import chosen_vmta, sender_pattern

RULES = {
    "domain-key-fields": Rule(
        ERROR,
        "A key has a selector, a domain and a file. With fewer or more fields each of them is taken for another.",
        "Write domain-key SELECTOR,DOMAIN,FILE: exactly three fields",
    ),
    "domain-key-selector": Rule(
        ERROR,
        "The first field names the DNS record's selector. With the domain in its place receivers look for a record that nobody"
        " published, and every signature fails.",
        "The first field is the selector, not the domain: domain-key SELECTOR,DOMAIN,FILE",
    ),
    "domain-key-dotted-selector": Rule(
        WARNING,
        "A selector may hold dots, but one that does is mostly a domain that slipped into the wrong field.",
        "A selector is usually one label; check that the domain is not in its place",
    ),
    "domain-key-order": Rule(
        WARNING,
        "Keys are searched from top to bottom, and the first one that fits signs: below a key for * no other is ever used.",
        "Keys are searched in order: put * entries last",
    ),
    "dkim-two-keys": Rule(
        ERROR,
        "One selector and domain is one DNS record, which holds one key: what the other key signs, no receiver can verify.",
        "One selector and domain name one DNS record, hence one key: use a second selector",
    ),
    "dkim-not-signed": Rule(
        ERROR,
        "dkim-sign is off by default: with a key and without it all mail goes out unsigned, and nothing says so.",
        "Add dkim-sign yes to <domain *>: a domain-key alone signs nothing",
    ),
    "dkim-key-uncovered": Rule(
        ERROR,
        "A key signs mail of its own domain and of domains below it. Mail of another domain finds no key and goes out unsigned, and"
        " nothing says so.",
        "Add a domain-key for the sender's domain to the virtual MTA, or send the mail to the one that has it",
    ),
    "dkim-identity-sender": Rule(
        WARNING,
        "Without dkim-identity the Sender header decides which key signs, and only without one the From header. A Sender header that"
        " something adds on the way breaks DMARC alignment, or leaves the mail unsigned.",
        "Add dkim-identity strict-from beside dkim-sign",
    ),
    "dkim-headers-unsubscribe": Rule(
        WARNING,
        "RFC 8058 asks that List-Unsubscribe and List-Unsubscribe-Post are both signed; without that receivers show no one-click"
        " unsubscribe, which Gmail and Yahoo require of bulk mail.",
        "Name List-Unsubscribe-Post in dkim-headers, and List-Unsubscribe where you replace the list",
    ),
}


def judge(facts: Facts, report: Report, unresolved: str, scopes: Scopes) -> None:
    keys(facts, report, unresolved)
    uncovered(facts, report, scopes)
    identities(facts, report, scopes)


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
        # A part that says nothing of receivers counts on another file to do so.
        elsewhere = not facts.whole and not facts.held("domain")
        report(
            "dkim-not-signed",
            facts.keys[0].place,
            "a domain-key, and no dkim-sign yes anywhere: mail goes out unsigned",
            severity=WARNING if elsewhere else unresolved,
        )


# The domain of an address written out in a regex, where nothing that could make it longer follows.
_LITERAL = re.compile(r"@((?:[A-Za-z0-9-]+\\?\.)+[A-Za-z]{2,})(?=[$>/]|\\[bszZ]|\[>)")


def uncovered(facts: Facts, report: Report, scopes: Scopes) -> None:
    """Senders that a pattern list leads to a virtual MTA which has no key for them."""
    if not facts.keys or not facts.complete or not any(_signs(held) for held in facts.held("domain")):
        return
    everywhere = _domains(facts.top)
    if "*" in everywhere:
        return
    own: dict[str, set[str]] = {}
    held_back: set[str] = set()
    # virtual MTA or pool -> the domains it has keys for, those of its members or pools included
    reach: dict[str, set[str]] = {}
    for held in (*facts.held("virtual-mta-pool"), *facts.held("virtual-mta")):
        own.setdefault(held.name, set()).update(_domains(held))
    for held in facts.held("domain"):
        if held.name == "*" and held.scope[0] and held.last("smtp-hosts"):
            held_back.add(held.scope[1])
    for listed in facts.held("pattern-list"):
        for line in listed.lines:
            found = sender_pattern(line)
            if line[0] == "rcpt-to" or found is None:
                continue
            name = chosen_vmta(line)
            if name not in own or name in held_back:
                continue
            known = reach.get(name)
            if known is None:
                related = facts.pools[name][0] if name in facts.pools else scopes.pools_of.get(name, ())
                known = reach[name] = own[name].union(*(own.get(other, set()) for other in related))
            if "*" in known:
                continue
            for domain in dict.fromkeys(_LITERAL.findall(found[1])):
                domain = domain.replace("\\", "").lower()
                if not _covered(domain, known) and not _covered(domain, everywhere):
                    # The envelope sender says nothing about From; and a virtual MTA may sign nothing on purpose.
                    sure = line[0] == "header" and (known or everywhere) and not facts.of("process-x-dkim-key")
                    report(
                        "dkim-key-uncovered",
                        at(line, found[0]),
                        f"{name} has no key for {domain}"
                        + (f", only for {', '.join(sorted(known)[:3])}" if known else ""),
                        severity=None if sure and not _fixed_identity(facts) else WARNING,
                    )


def _signs(held: Held) -> bool:
    return held.value("dkim-sign") in ("yes", "true") or held.value("second-dkim-sign") in ("yes", "true")


def _domains(held: Held) -> set[str]:
    found = set()
    for line in held.all("domain-key"):
        fields = values.items(line[1].args)
        if len(fields) == 3:
            found.add(fields[1].lower())
    return found


def _covered(domain: str, known: set[str]) -> bool:
    while domain:
        if domain in known:
            return True
        domain = domain.partition(".")[2]
    return False


def _fixed_identity(facts: Facts) -> bool:
    """Whether somewhere an address or domain signs that is not the sender's."""
    return any(
        (line[1].values or ("",))[0].lower() not in ("strict-from", "sender-or-from")
        for held in facts.held("domain")
        for line in held.all("dkim-identity", "dkim-identity-fallback", "second-dkim-identity")
    )


def identities(facts: Facts, report: Report, scopes: Scopes) -> None:
    """What a <domain> that signs signs for, and which headers."""
    told = False
    for held in facts.held("domain"):
        if (
            held.yes("dkim-sign")
            and facts.keys
            and not told
            and facts.complete
            and scopes.inherited(held, "dkim-identity") is None
        ):
            told = True
            report(
                "dkim-identity-sender",
                at(held.last("dkim-sign")),
                "the Sender header, where there is one, decides which key signs",
            )
        for name in ("dkim-headers", "second-dkim-headers"):
            line = held.last(name)
            if line is None:
                continue
            named = [item.lower() for item in values.items(line[1].args)]
            if named != [""] and not any("list-unsubscribe-post" in item or item[:1] == "/" for item in named):
                report("dkim-headers-unsubscribe", at(line), f"{name} does not name List-Unsubscribe-Post")
