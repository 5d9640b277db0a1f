# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a policy, said in the names of its variables. Directives and their values are the linter's."""

from __future__ import annotations

import re
import typing as t

from ..fleet.inventory import Checker
from ..pmta_config import ERROR, Section, lint, render
from ..pmta_config.embedded import embedded
from ..pmta_config.tokens import MACRO_NAME, SECRETS
from ..pmta_config.values import actions, domain_pattern, regex
from ..problems import FleetError
from .policy import COMMON_REPLIES, HOSTS, LIST, replies_of, rollup_of
from .settings import directives, values_of

# A comment starts wherever # stands, quoted or not.
_UNWRITABLE = re.compile(r"[#\x00-\x08\x0a-\x1f\x7f]")
_CANNOT = "holds #, which starts a comment, or a line break"
_WORD = re.compile(r"[^\s#\"]+\Z")

# Global directives that the role powermta writes itself, and where an inventory sets them.
OWN_DIRECTIVES = {
    "postmaster": "powermta_postmaster",
    "run-as-root": None,
    "log-file": None,
    "include": None,
    "smtp-source-host": "powermta_management_address",
    "smtp-listener": "powermta_submission_port and powermta_smtp_port",
    "http-mgmt-port": "powermta_http_port",
    "http-access": "powermta_http_access",
    "domain-macro": "policy_macros or policy_providers",
}
# Tags that are rendered from variables of their own, or from the fleet.
OWN_TAGS = {
    "domain": "policy_domains",
    "smtp-pattern-list": "policy_reply_lists",
    "bounce-category-patterns": "policy_bounce_categories",
    "mx-rollup-list": "policy_mx_rollups",
    "virtual-mta": "fleet_tenants",
    "virtual-mta-pool": "fleet_tenants",
    "pattern-list": "fleet_tenants",
    "source": "powermta_feeder_settings and powermta_inbound_settings",
    "smtp-user": "the feeders of fleet_tenants",
    "aliases": "powermta_role_addresses",
    "smtp-listener": "powermta_submission_port and powermta_smtp_port",
}
# What is each sender's own, or would send its mail from another's address.
_OF_SENDERS = frozenset(("smtp-source-host", "domain-key", "cold-virtual-mta", "auto-cold-virtual-mta", "include"))
# Rules of the linter about one directive alone.
_OF_ONE_LINE = ("unknown", "section", "argument")
_REROUTES = frozenset(("reroute-to-virtual-mta", "backoff-reroute-to-virtual-mta"))

_MAPPINGS = ("providers", "reply_lists", "domains", "domain_settings", "macros", "global_settings")
_NESTED = ("virtual_mta_settings", "virtual_mta_domains")
_LISTS = ("replies", "bounce_categories", "mx_rollups", "sections")


def check(policy: t.Mapping) -> None:
    """Raises FleetError with every problem found. policy: see `pmta_fleet.policy`."""
    checker = Checker()
    for key in (*_MAPPINGS, *_NESTED):
        checker.mapping(f"policy_{key}", policy[key])
    for key in _LISTS:
        _listing(checker, f"policy_{key}", policy[key])
    if not checker.problems:
        _Judge(checker, policy).all()
    if checker.problems:
        raise FleetError(checker.problems[:25])


def _listing(checker: Checker, where: str, data: object) -> list:
    """A list that has to be there: null is a slip, not an empty list."""
    if data is None:
        checker.add(where, "must be a list, found nothing", "Write [] for none.")
    return checker.listing(where, data)


class _Judge:
    def __init__(self, checker: Checker, policy: t.Mapping):
        self.check = checker
        self.policy = policy
        # lower-case name or pattern -> where it was given first
        self.macros: dict[str, str] = {}
        self.members: dict[str, str] = {}
        self.patterns: dict[str, str] = {}
        self.hosts: dict[str, str] = {}
        self.lists: dict[str, str] = {}

    def all(self) -> None:
        policy = self.policy
        if policy["replies"]:
            self.replies("policy_replies", policy["replies"])
            self.first(self.lists, COMMON_REPLIES, "policy_replies")
        for name, entries in policy["reply_lists"].items():
            where = f"policy_reply_lists.{name}"
            self.word(where, name, "Name the list by one word.")
            self.first(self.lists, str(name), where)
            self.replies(where, entries)
        for name, members in policy["macros"].items():
            self.macro(f"policy_macros.{name}", name, members)
        for name, provider in policy["providers"].items():
            if self.check.mapping(f"policy_providers.{name}", provider):
                self.provider(f"policy_providers.{name}", name, provider)
        self.settings("policy_domain_settings", policy["domain_settings"])
        for pattern, settings in policy["domains"].items():
            self.domain(f"policy_domains.{pattern}", pattern, settings)
        self.rollups()
        self.categories()
        self.virtual_mtas()
        self.globals()
        self.sections("policy_sections", policy["sections"])
        self.references()

    # Names that may stand once -----------------------------------------------------------------------------------------

    def first(self, known: dict[str, str], name: str, where: str) -> bool:
        before = known.setdefault(name.lower(), where)
        if before == where:
            return True
        self.check.add(where, f"{name!r} is given by {before} already", "Keep one of them.")
        return False

    def word(self, where: str, value: object, remedy: str) -> bool:
        if isinstance(value, str) and _WORD.match(value):
            return True
        self.check.add(where, f"{value!r} is not one word", remedy)
        return False

    # Receivers ---------------------------------------------------------------------------------------------------------

    def macro(self, where: str, name: object, members: object, place: str = "") -> bool:
        """place: where its domains are given, if not at *where* itself."""
        if not isinstance(name, str) or not MACRO_NAME.match(name):
            self.check.add(where, f"{name!r} is no name of a macro", "Use letters, digits and _ only.")
            return False
        place = place or where
        listed = self.check.listing(place, members)
        good = self.first(self.macros, name, where) and bool(listed)
        if not listed:
            self.check.add(place, "has no domains", "List at least one, such as example.com.")
        for member in listed:
            good = self.word(place, member, "List domains, one an entry.") and good
            if isinstance(member, str) and ("," in member or member == "*"):
                self.check.add(place, f"{member!r} is no domain", "List domains, one an entry.")
                good = False
        return good

    def provider(self, where: str, name: object, provider: t.Mapping) -> None:
        self.check.keys(where, provider, ("domains", "mx", "by_ip", "settings", "replies", "sources"))
        if "domains" not in provider:
            others = ", ".join(
                str(one)
                for one, it in self.policy["providers"].items()
                if isinstance(it, t.Mapping) and "domains" in it
            )
            self.check.add(
                where, "has no domains", f"List some; or spell it as in policy_providers: {others or 'none'}."
            )
            return
        if not self.macro(where, name, provider.get("domains"), f"{where}.domains"):
            return
        for member in provider["domains"]:
            self.first(self.members, member, f"{where}.domains")
        settings = provider.get("settings") or {}
        self.settings(f"{where}.settings", settings)
        self.first(self.patterns, f"${name}", where)
        if provider.get("replies"):
            self.replies(f"{where}.replies", provider["replies"])
            self.first(self.lists, replies_of(name), f"{where}.replies")
            if isinstance(settings, t.Mapping) and LIST in settings:
                self.check.add(
                    f"{where}.settings.{LIST}",
                    "stands beside replies, and a receiver has one list",
                    "Keep one of the two.",
                )
        listed = self.check.listing(f"{where}.mx", provider.get("mx"))
        for host in listed:
            self.host(f"{where}.mx", host)
        if not listed:
            return
        self.first(self.patterns, rollup_of(name), f"{where}.mx")
        if not provider.get("by_ip") and "$" in provider["domains"][0]:
            self.check.add(
                f"{where}.domains",
                f"{provider['domains'][0]!r} stands first, and rolled-up mail goes to the hosts of the first domain",
                "List a domain first, or set by_ip: true.",
            )

    def host(self, where: str, host: object) -> bool:
        wrong = domain_pattern(host) if isinstance(host, str) else "is not a text"
        return self.check.fault(
            where, host, wrong, "Give the name of an MX host, or *.suffix for all below it."
        ) and self.first(self.hosts, str(host), where)

    def rollups(self) -> None:
        for number, entry in enumerate(self.policy["mx_rollups"]):
            where = f"policy_mx_rollups[{number}]"
            if not self.check.mapping(where, entry):
                continue
            self.check.keys(where, entry, ("mx", "to", "by_ip"))
            good = self.host(f"{where}.mx", entry.get("mx"))
            target = entry.get("to")
            if not isinstance(target, str) or not re.match(r"[A-Za-z0-9._-]+\.rollup\Z", target):
                self.check.add(f"{where}.to", f"{target!r} does not end in .rollup", "Write it as NAME.rollup.")
                continue
            if good and entry["mx"].startswith("*") and not entry.get("by_ip") and not self.has_hosts(target):
                self.check.add(
                    where,
                    f"a wildcard rolls up to {target}, and nothing says to which hosts that delivers",
                    f"Give {HOSTS} in policy_domains.{target}, such as lookup-mx:example.com, or set by_ip: true.",
                )

    def has_hosts(self, target: str) -> bool:
        for name, provider in self.policy["providers"].items():
            if (
                rollup_of(str(name)).lower() == target.lower()
                and isinstance(provider, t.Mapping)
                and provider.get("mx")
            ):
                return not provider.get("by_ip") or HOSTS in (provider.get("settings") or {})
        return any(
            str(pattern).lower() == target.lower() and HOSTS in (settings or {})
            for pattern, settings in self.policy["domains"].items()
        )

    def domain(self, where: str, pattern: object, settings: object) -> None:
        if pattern == "*":
            self.check.add(where, "'*' has a variable of its own", "Use policy_domain_settings.")
            return
        wrong = domain_pattern(pattern) if isinstance(pattern, str) and pattern else "is not a domain pattern"
        if self.check.fault(where, pattern, wrong, "Write a.b, *.a.b, [*.]a.b or $macro."):
            self.first(self.patterns, str(pattern), where)
        self.settings(where, {} if settings is None else settings)

    def settings(
        self, where: str, settings: object, forbidden: t.Collection[str] = (), section: str = "domain"
    ) -> None:
        """``{directive: value}`` of a section; "" is the global level."""
        if not self.check.mapping(where, settings):
            return
        before = len(self.check.problems)
        for name, value in settings.items():
            here = f"{where}.{name}"
            if not self.word(here, name, "Name a directive."):
                continue
            for one in values_of(value):
                if isinstance(one, (t.Mapping, list, tuple, set)):
                    self.check.add(here, "is neither a value nor a list of values", "Write texts, numbers or booleans.")
                elif isinstance(one, str) and _UNWRITABLE.search(one):
                    # Not shown: it may be a password.
                    self.check.add(here, _CANNOT, "Leave them out; a regex writes # as \\x23.")
            if name.lower() in forbidden:
                self.check.add(here, "is set for each sender by the fleet", "Remove it here.")
            elif name.lower() in _REROUTES and any(one not in ("", '""') for one in values_of(value)):
                self.check.add(
                    here,
                    "moves every sender's mail to one virtual MTA, whose address is another sender's",
                    "Remove it; mail in excess waits.",
                )

        if len(self.check.problems) == before:
            self.linted(where, settings, section)

    def linted(self, where: str, settings: t.Mapping, section: str) -> None:
        """What the linter says of the directives and their values, in the name of the variable."""
        lines = directives(settings)
        above = 1 if section else 0
        for found in lint(render([Section(section, "x", lines)] if section else lines), whole=False):
            if found.severity == ERROR and found.rule.startswith(_OF_ONE_LINE) and 0 < found.line - above <= len(lines):
                name = lines[found.line - above - 1].name
                self.check.add(f"{where}.{name}", found.message, f"{found.remedy}.")

    # Replies and bounces -----------------------------------------------------------------------------------------------

    def replies(self, where: str, entries: object) -> None:
        for number, entry in enumerate(_listing(self.check, where, entries)):
            here = f"{where}[{number}]"
            if not self.entry(here, entry, ("match", "action", "source", "comment")):
                continue
            action = entry.get("action")
            found = actions(tuple(action.split())) if isinstance(action, str) and action else "is missing"
            if isinstance(found, str):
                self.check.add(f"{here}.action", found, "Write actions such as mode=backoff, comma separated.")

    def categories(self) -> None:
        for number, entry in enumerate(self.policy["bounce_categories"]):
            here = f"policy_bounce_categories[{number}]"
            if self.entry(here, entry, ("match", "category", "source", "comment")):
                self.word(f"{here}.category", entry.get("category"), "Name a category, such as bad-mailbox.")

    def entry(self, where: str, entry: object, keys: tuple[str, ...]) -> bool:
        if not self.check.mapping(where, entry):
            return False
        self.check.keys(where, entry, keys)
        match = entry.get("match")
        wrong = regex(match) if isinstance(match, str) and match else "is not a regex between slashes"
        if not wrong and _UNWRITABLE.search(match):
            wrong = _CANNOT
        return self.check.fault(f"{where}.match", match, wrong, r"Write /regex/, a slash in it as \/ and # as \x23.")

    # The rest ----------------------------------------------------------------------------------------------------------

    def virtual_mtas(self) -> None:
        self.settings("policy_virtual_mta_settings", self.policy["virtual_mta_settings"], _OF_SENDERS, "virtual-mta")
        nested = self.policy["virtual_mta_domains"]
        known: dict[str, str] = {}
        for pattern, settings in nested.items():
            where = f"policy_virtual_mta_domains.{pattern}"
            wrong = domain_pattern(pattern) if isinstance(pattern, str) and pattern else "is not a domain pattern"
            if self.check.fault(where, pattern, wrong, "Write *, a.b, *.a.b, [*.]a.b or $macro."):
                self.first(known, str(pattern), where)
            self.settings(where, {} if settings is None else settings)
        for where, settings in [
            ("policy_virtual_mta_settings", self.policy["virtual_mta_settings"]),
            *((f"policy_virtual_mta_domains.{pattern}", settings) for pattern, settings in nested.items()),
        ]:
            for name, value in settings.items() if isinstance(settings, t.Mapping) else ():
                if str(name).lower() in SECRETS or any(embedded(str(one)) for one in values_of(value)):
                    self.check.add(
                        f"{where}.{name}",
                        "holds a secret, and the configuration is shown",
                        "Put it into policy_domains.",
                    )

    def globals(self) -> None:
        settings = self.policy["global_settings"]
        self.settings("policy_global_settings", settings, section="")
        for name in settings:
            key = str(name).lower()
            if key in OWN_DIRECTIVES:
                place = OWN_DIRECTIVES[key]
                self.check.add(
                    f"policy_global_settings.{name}",
                    "is written by the role powermta",
                    f"Set {place}." if place else "Remove it.",
                )

    def sections(self, where: str, sections: t.Iterable) -> None:
        for number, section in enumerate(sections):
            here = f"{where}[{number}]"
            if not self.check.mapping(here, section):
                continue
            self.check.keys(here, section, ("tag", "name", "lines"))
            tag = section.get("tag")
            if not isinstance(tag, str) or not re.match(r"[A-Za-z0-9-]+\Z", tag):
                self.check.add(f"{here}.tag", f"{tag!r} is no tag", "Name the section, such as bounce-processor.")
            elif tag.lower() in OWN_TAGS:
                self.check.add(f"{here}.tag", f"<{tag}> comes from elsewhere", f"Use {OWN_TAGS[tag.lower()]}.")
            if not isinstance(section.get("name") or "", str):
                self.check.add(f"{here}.name", f"{section['name']!r} is not a text", "Write it in quotes.")
            lines = self.check.listing(f"{here}.lines", section.get("lines"))
            for line in lines:
                if not isinstance(line, (str, t.Mapping)):
                    self.check.add(
                        f"{here}.lines", f"{line!r} is neither a line nor a section", "Write each line as a text."
                    )
            self.sections(f"{here}.lines", [line for line in lines if isinstance(line, t.Mapping)])

    def references(self) -> None:
        """Reply lists that are named exist."""
        policy = self.policy
        named = [("policy_domain_settings", policy["domain_settings"])]
        named += [(f"policy_domains.{pattern}", settings) for pattern, settings in policy["domains"].items()]
        named += [(f"policy_virtual_mta_domains.{key}", value) for key, value in policy["virtual_mta_domains"].items()]
        named += [
            (f"policy_providers.{name}.settings", provider.get("settings"))
            for name, provider in policy["providers"].items()
            if isinstance(provider, t.Mapping)
        ]
        for where, settings in named:
            value = settings.get(LIST) if isinstance(settings, t.Mapping) else None
            if value not in (None, "", '""') and str(value).strip('"').lower() not in self.lists:
                known = ", ".join(sorted(self.lists)) or "none"
                self.check.add(f"{where}.{LIST}", f"no list is named {value!r}", f"Known: {known}.")
