# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy as configuration: how receivers are met, how their replies are read, how bounces are filed.

*policy* holds the variables of the role policy without their prefix; roles/policy/meta/argument_specs.yml has their shapes.
"""

from __future__ import annotations

import typing as t

from ..pmta_config import Blank, Comment, Directive, Node, Section
from ..pmta_config.tokens import first_word, may_hold_regex, scan
from .settings import directives

#: The list of `policy_replies`, which `<domain *>` names unless it names another.
COMMON_REPLIES = "common-replies"
LIST = "smtp-pattern-list"
HOSTS = "smtp-hosts"


def replies_of(provider: str) -> str:
    """The name of a provider's own list of replies."""
    return f"{provider}-replies"


def rollup_of(provider: str) -> str:
    """The queue in which the mail of a provider's domains ends, when its MX hosts are named."""
    return f"{provider}.rollup"


def nodes(policy: t.Mapping) -> list[Node]:
    """Everything of the policy that stands at global level. What is named stands before what names it."""
    return [
        *_section(policy["sections"]),
        *_receivers(policy),
        *_rollups(policy),
        *_bounce_categories(policy),
        *domains(policy),
    ]


def _section(sections: t.Sequence[t.Mapping]) -> list[Node]:
    """Sections given whole: ``{tag, name, lines}``, lines being texts or sections again."""
    found: list[Node] = []
    for section in sections:
        inside: list[Node] = []
        for line in section.get("lines") or ():
            inside += _section([line]) if isinstance(line, t.Mapping) else [_line(line)]
        found.append(Section(section["tag"], section.get("name") or "", inside))
    return found


def _line(text: str) -> Node:
    text = text.strip()
    if not text:
        return Blank()
    if text.startswith("#"):
        return Comment(text[1:])
    return Directive(*(text[start:end] for start, end in scan(text, may_hold_regex(first_word(text)))[0]))


def _receivers(policy: t.Mapping) -> list[Node]:
    found: list[Node] = [
        Blank(),
        Comment(" Receivers: what they answer, and limits that hold for each virtual MTA's queue"),
    ]
    for name, members in [*policy["macros"].items(), *((n, p["domains"]) for n, p in policy["providers"].items())]:
        found.append(Directive("domain-macro", name, ",".join(members)))
    if policy["replies"]:
        found.append(_replies(COMMON_REPLIES, policy["replies"]))
    for name, provider in policy["providers"].items():
        if provider.get("replies"):
            found.append(_replies(replies_of(name), [*provider["replies"], *policy["replies"]]))
    found += [_replies(name, entries) for name, entries in policy["reply_lists"].items()]
    return found


def _replies(name: str, entries: t.Sequence[t.Mapping]) -> Section:
    return Section(
        LIST, name, [Directive("reply", one["match"], one["action"], comment=one.get("comment")) for one in entries]
    )


def _rollups(policy: t.Mapping) -> list[Node]:
    lines = [
        Directive("mx", host, rollup_of(name), *(["rollup-by-ip"] if provider.get("by_ip") else []))
        for name, provider in policy["providers"].items()
        for host in provider.get("mx") or ()
    ]
    lines += [
        Directive("mx", one["mx"], one["to"], *(["rollup-by-ip"] if one.get("by_ip") else []))
        for one in policy["mx_rollups"]
    ]
    return [Section("mx-rollup-list", "", lines)] if lines else []


def _bounce_categories(policy: t.Mapping) -> list[Node]:
    lines = [
        Directive(one["match"], one["category"], comment=one.get("comment")) for one in policy["bounce_categories"]
    ]
    return [Section("bounce-category-patterns", "", lines)] if lines else []


def domains(policy: t.Mapping) -> list[Section]:
    """All global ``<domain>`` sections."""
    found: list[Section] = []
    for name, provider in policy["providers"].items():
        settings = dict(provider.get("settings") or {})
        if provider.get("replies"):
            settings[LIST] = replies_of(name)
        found.append(Section("domain", f"${name}", directives(settings)))
        if provider.get("mx"):
            # Rules of the domains stop to apply once they are rolled up. A roll-up by IP keeps each domain's own hosts.
            if not provider.get("by_ip"):
                settings.setdefault(HOSTS, f"lookup-mx:{provider['domains'][0]}")
            found.append(Section("domain", rollup_of(name), directives(settings)))
    found += [Section("domain", pattern, directives(settings or {})) for pattern, settings in policy["domains"].items()]
    every = dict(policy["domain_settings"])
    if policy["replies"]:
        every.setdefault(LIST, COMMON_REPLIES)
    return [*found, Section("domain", "*", directives(every))]
