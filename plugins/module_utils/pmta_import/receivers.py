# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``<domain>`` tags and macros: how receivers are met."""

from __future__ import annotations

import re
import typing as t

from ..pmta_config import Directive, Section
from ..pmta_config.effective import Effective
from ..pmta_config.tokens import MACRO_NAME
from ..pmta_config.values import domain_pattern
from ..pmta_config.values import items as listed
from . import fates, nested, secret
from .context import Context
from .lines import Bucket, Line, value, written
from .lists import Lists
from .read import Item, flat
from .report import DROPPED, KEPT, REPLACED, UNCLEAR

_PLAIN_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+\Z")


class Tag(t.NamedTuple):
    """The lines of all tags with one pattern."""

    pattern: str
    bucket: Bucket


class Receivers:
    """macros: name -> domains; tags: lower-case pattern -> the global tag; heads: opening lines with their pattern."""

    def __init__(self, context: Context, lists: Lists):
        self._context = context
        self._lists = lists
        self.macros: dict[str, list[str]] = {}
        self.macro_items: dict[str, Item] = {}
        self.tags: dict[str, Tag] = {}
        self.heads: list[tuple[Item, str]] = []
        self._secret_patterns: set[str] = set()

    def macro(self, item: Item) -> None:
        values = item.node.values
        if len(values) < 2 or not MACRO_NAME.match(values[0]):
            self._context.report.add(item, UNCLEAR, "", "a macro needs a name and domains")
            return
        name = next((known for known in self.macros if known.lower() == values[0].lower()), None)
        domains = list(dict.fromkeys(listed(item.node.args[1:])))
        if name:
            first = self.macro_items[name]
            why = f"domain-macro {name} stands already at {first.file}:{first.node.line}"
            if domains != self.macros[name]:
                self._context.report.add(item, UNCLEAR, "", why)
            else:
                self._context.report.add(item, DROPPED, "", why)
            return
        self.macros[values[0]] = domains
        self.macro_items[values[0]] = item

    def domain(self, item: Item, tags: dict[str, Tag], where: str = "") -> None:
        """One ``<domain>`` tag. where: the variable of a nested one; empty for a global one."""
        pattern = item.node.value
        if "$" not in pattern:
            pattern = pattern.lower()
        wrong = domain_pattern(pattern) if pattern else "has no pattern"
        if wrong:
            self._context.report.add(item, UNCLEAR, "", wrong)
        elif not where:
            self.heads.append((item, pattern))
        else:
            self._context.report.add(item, KEPT, where, "")
        tag = tags.setdefault(pattern.lower(), Tag(pattern, Bucket()))
        for line in flat(item.inside):
            if self._context.quiet(line):
                continue
            if isinstance(line.node, Section):
                self._context.report.add(line, UNCLEAR, "", "no section belongs here")
                self._context.report.add_all(line.inside, UNCLEAR, "", "no section belongs here")
                continue
            found = self._setting(line, tag.pattern, bool(where))
            if found:
                tag.bucket.add(found)

    def _setting(self, item: Item, pattern: str, inside: bool) -> Line | None:
        """A line of a ``<domain>`` tag, unless it is not to be kept."""
        node = item.node
        name, why = self._context.name(item, "domain")
        if not name:
            return None
        if name in fates.NEEDS:
            self._signing(item, name, pattern, inside)
            return None
        if name.startswith(fates.SECOND_KEY):
            self._context.report.add(item, REPLACED, "", "a sender has one key; the old keys are gone")
            return None
        if name in fates.DOMAIN and not (node.args and node.values == ("",)):
            self._context.report.add(item, *fates.DOMAIN[name])
            return None
        if fates.limits_old_addresses(name, node.values):
            self._context.report.add(item, *fates.OLD_ADDRESS)
            return None
        if fates.hides_origin(name, node.values):
            self._context.report.add(item, *fates.HIDDEN_ORIGIN)
            return None
        if secret.is_secret(node):
            text = self._context.vault.reference(node, name, "" if pattern == "*" else pattern)
            line = Line(item, name, text, why)
            return self._secret(item, line, pattern, inside) if isinstance(text, secret.Reference) else line
        text = self._context.vault.without(" ".join(node.args), name, "" if pattern == "*" else pattern)
        if isinstance(text, secret.Reference):
            return self._secret(item, Line(item, name, text, why), pattern, inside)
        if name in fates.TRANSLATED:
            today, behind = fates.TRANSLATED[name]
            limited = behind and text not in ("", '""', "0", "unlimited")
            return Line(item, today, f"{text}{behind}" if limited else text, f"{name} is the old name", True)
        return Line(item, name, text, why)

    def _secret(self, item: Item, line: Line, pattern: str, inside: bool) -> Line | None:
        """A line whose secret is in the vault."""
        if not inside:
            self._secret_patterns.add(pattern.lower())
            return line
        variables = secret.Reference(line.text).variables
        self._context.report.add(
            item,
            REPLACED,
            f"policy_domains.{pattern}",
            f"virtual MTAs hold no passwords; set it there: {variables}",
        )
        return None

    def _signing(self, item: Item, name: str, pattern: str, inside: bool) -> None:
        need = fates.NEEDS[name]
        where = f"policy_domain_settings.{name}"
        if value(name, " ".join(item.node.args)) == need:
            everywhere = "" if pattern == "*" and not inside else "it holds for every receiver"
            self._context.report.add(item, KEPT, where, everywhere)
        else:
            wanted = "yes" if need is True else need
            self._context.report.add(item, REPLACED, where, f"the fleet signs with {name} {wanted} for every receiver")

    def said(self, name: str) -> bool:
        """Whether the old ``<domain *>`` spoke of a setting that the fleet needs."""
        return any(
            isinstance(line.node, Directive) and line.node.name.lower() == name
            for item, pattern in self.heads
            if pattern == "*"
            for line in flat(item.inside)
        )

    def providers(self, top: nested.Tags) -> dict[str, dict]:
        """Macros with rules of their own: a sender can be given a share of them."""
        providers: dict[str, dict] = {}
        taken: set[str] = set()
        asked = self.asked({}, {})
        for name in self.macros:
            settings, domains = top.get(f"${name}"), asked.domains(f"${name}")
            plain = all(_PLAIN_DOMAIN.match(domain) for domain in domains) and not taken.intersection(
                map(str.lower, domains)
            )
            if settings and plain and f"${name}".lower() not in self._secret_patterns:
                taken.update(domains)
                providers[name] = {"domains": domains, "settings": written(settings)}
        return providers

    def asked(self, top: nested.Tags, tags: nested.Tags) -> Effective:
        """The new configuration as far as receivers go; values are whole texts, quotes and all."""

        def sections(some: nested.Tags) -> list[Section]:
            return [
                Section(
                    "domain",
                    pattern,
                    [Directive(name, one.replace('"', "'")) for name, values in settings.items() for one in values],
                )
                for pattern, settings in some.items()
            ]

        macros = [Directive("domain-macro", name, ",".join(domains)) for name, domains in self.macros.items()]
        return Effective([*macros, *sections(top), Section("virtual-mta", "new", sections(tags))])

    def hidden(self, asked: Effective, pattern: str) -> str:
        """A remark where the old roll-ups took a receiver's mail away from its rules."""
        if pattern == "*" or not self._lists.rollups:
            return ""
        found = []
        for domain in asked.domains(pattern):
            for one in self._lists.rollups:
                hosts = " ".join(asked.settings(one["to"]).get("smtp-hosts", ())).lower().replace("'", "")
                aimed = f"lookup-mx:{domain}" in re.split(r"[\s,;]+", hosts)
                if domain != one["to"] and (aimed or one["mx"].lstrip("*.") == domain):
                    off = asked.settings(domain).get("disable-mx-rollup", ("no",))[-1].lower()
                    if off not in ("yes", "true"):
                        found.append(f"{domain} to {one['to']}")
        names = ", ".join(dict.fromkeys(found))
        return f"kept, but not in effect before: <mx-rollup-list> takes the mail of {names}" if found else ""
