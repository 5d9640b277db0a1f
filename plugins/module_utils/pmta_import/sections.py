# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections that are carried over whole, and those of which nothing is."""

from __future__ import annotations

import re
import typing as t

from ..pmta_config import Directive, Section, specs
from . import fates, secret
from .context import Context
from .read import Item, flat
from .report import DROPPED, KEPT, REPLACED, UNCLEAR

_CUT = re.compile(r"[^\s#]#")


class Sections:
    """sections: the policy's, as ``{tag, name, lines}``."""

    def __init__(self, context: Context, accounting: t.Sequence[str]):
        self._context = context
        self._accounting = tuple(accounting)
        self.sections: list[dict] = []

    def carry(self, item: Item) -> None:
        node = item.node
        tag = node.tag.lower()
        if tag == "acct-file" and node.value in self._accounting:
            self._context.all_of(
                item, REPLACED, "powermta_accounting", "the role writes this file, with the records it reads"
            )
            return
        lines = [
            line for line in flat(item.inside) if isinstance(line.node, (Directive, Section)) and not line.included
        ]
        if tag == "spool" and not lines:
            self._context.all_of(item, REPLACED, "", "the role's spool is /var/spool/pmta")
            return
        if tag == "spool" and node.value != "/var/spool/pmta":
            self._context.all_of(
                item, REPLACED, "", "the role's spool is /var/spool/pmta; set this there if it is still wanted"
            )
            return
        name = self._named(node).get("name", "")
        section = next((one for one in self.sections if (one["tag"], one.get("name", "")) == (tag, name)), None)
        if section is None:
            section = self._named(node)
            self.sections.append(section)
        if tag == "acct-file" and node.value[:1] == "|":
            self._context.paths[node.value[1:].split()[0] if node.value[1:].split() else node.value] = None
        self._carried(item, section)

    def _named(self, node: Section) -> dict:
        tag = node.tag.lower()
        return {"tag": tag, "name": self._context.vault.without(node.name, tag)} if node.name else {"tag": tag}

    def _carried(self, item: Item, section: dict) -> None:
        tag = item.node.tag.lower()
        where = "policy_sections"
        self._context.report.add(item, KEPT, where)
        lines = section.setdefault("lines", [])
        for line in flat(item.inside):
            if self._context.quiet(line):
                continue
            node = line.node
            if isinstance(node, Section):
                if node.tag.lower() not in fates.WHOLE:
                    self._context.all_of(line, UNCLEAR, "", "no section belongs here")
                    continue
                inside = self._named(node)
                lines.append(inside)
                self._carried(line, inside)
                continue
            name, why = self._context.name(line, tag)
            if not name:
                continue
            text = (
                self._context.vault.reference(node, tag, name)
                if secret.is_secret(node)
                else self._context.vault.without(" ".join(node.args), tag, name)
                if name[:1] != "/"
                else " ".join(node.args)
            )
            if name == "queue-filter" and re.search(r"/[^*\s,]", text):
                why = "it may name an old virtual MTA"
                self._context.notes.append(
                    f"{line.file}:{node.line}: queue-filter names virtual MTAs; name the new ones"
                )
            words = f"{node.name if name[:1] == '/' else name} {text}".rstrip()
            if isinstance(text, secret.Reference):
                words = secret.Reference(words)
            if words in lines:
                self._context.report.add(line, DROPPED, "", "it stands there twice")
                continue
            lines.append(words)
            self._context.report.add(line, KEPT, where, why)

    def replace(self, item: Item, tag: str) -> None:
        verdict, where, why = fates.SECTIONS[tag]
        self._context.report.add(item, verdict, where, why)
        for line in flat(item.inside):
            node = line.node
            if self._context.quiet(line):
                continue
            if isinstance(node, Section):
                self._context.all_of(line, verdict, where, why)
                continue
            name = node.name.lower()
            if secret.is_secret(node):
                self._password(line, item, name, verdict, where, why)
            elif tag == "source" and fates.hides_origin(name, node.values):
                self._context.report.add(line, *fates.HIDDEN_ORIGIN)
            elif tag == "source":
                self._context.report.add(line, *fates.SOURCE.get(name, (verdict, where, "set it there to keep it")))
            elif tag in ("smtp-user", "vault") and name not in specs.by_section()[tag]:
                # A misspelt password, or token, is one all the same.
                self._context.report.add(line._replace(node=_masked(node)), DROPPED, "", "no directive of this place")
            else:
                self._context.report.add(line, verdict, where, why)

    def _password(self, line: Item, item: Item, name: str, verdict: str, where: str, why: str) -> None:
        node = line.node
        if name != "password" or not node.args:
            reference = self._context.vault.reference(node, name, item.node.value)
            self._context.report.add(
                line,
                verdict,
                where,
                f"{why}: {reference.variables}" if isinstance(reference, secret.Reference) else why,
            )
            return
        variable = self._context.vault.put(secret.plain_value(node.args), item.node.tag, item.node.value)
        # The documented reading: what counted was what stands before it.
        cut = "; a '#' cut it: what the old PowerMTA took is the part before" if _CUT.search(node.raw or "") else ""
        self._context.notes.append(
            f"The password of {item.node.value} is in {variable}: name it as the password of a feeder in fleet_tenants{cut}"
        )
        self._context.report.add(line, verdict, where, f"the password is in {variable}{cut}")


def _masked(node: Directive) -> Directive:
    """A line whose arguments may be a secret, for the report alone."""
    raw = node.raw or ""
    copy = Directive(node.name)
    copy.line = node.line
    copy.raw = f"{node.name} {secret.SHOWN}" + "\n" * raw.count("\n")
    return copy
