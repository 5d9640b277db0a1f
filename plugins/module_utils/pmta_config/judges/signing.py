# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM: every message is signed, by a key that is its sender's own."""

from __future__ import annotations

from ..facts import Facts, Place
from ..finding import ERROR, WARNING, Report, Rule

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
}


def judge(facts: Facts, report: Report, unresolved: str) -> None:
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
