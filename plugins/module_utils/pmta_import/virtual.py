# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The old virtual MTAs and pools: their identity goes, their rules are made rules of every new one."""

from __future__ import annotations

import typing as t

from ..pmta_config import Directive, Section
from . import fates, nested
from .context import Context
from .lines import Bucket, Line, kept, written
from .read import Item, flat
from .receivers import Receivers, Tag
from .report import DROPPED, REPLACED


class Virtual:
    """items: the sections, in file order."""

    def __init__(self, context: Context, receivers: Receivers):
        self._context = context
        self._receivers = receivers
        self.items: list[Item] = []

    def _cold(self) -> set[str]:
        return {
            line.node.values[0].lower()
            for item in self.items
            for line in flat(item.inside)
            if isinstance(line.node, Directive) and line.node.name.lower() == "cold-virtual-mta" and line.node.args
        }

    def _virtual_mta(self, item: Item) -> tuple[nested.Old, list[Line], list[tuple[str, Line]]]:
        """One virtual MTA or pool, its own lines that are kept, and those of its <domain> tags with their pattern."""
        settings = Bucket()
        tags: dict[str, Tag] = {}
        members = []
        section = item.node.tag.lower()
        self._context.report.add(item, REPLACED, "fleet_tenants", "virtual MTAs and pools are the fleet's")
        for line in flat(item.inside):
            if self._context.quiet(line):
                continue
            node = line.node
            if isinstance(node, Section):
                self._receivers.domain(line, tags, "policy_virtual_mta_domains")
                continue
            name = node.name.lower()
            if name == "virtual-mta" and node.args:
                members.append(node.values[0].lower())
            if name in fates.VIRTUAL:
                self._context.report.add(line, *fates.VIRTUAL[name])
                continue
            name, why = self._context.name(line, section)
            if name:
                settings.add(Line(line, name, " ".join(node.args), why))
        values, own = settings.settled(self._context.report)
        found: nested.Tags = {}
        inside: list[tuple[str, Line]] = []
        for tag in tags.values():
            found[tag.pattern], lines = tag.bucket.settled(self._context.report)
            inside += [(tag.pattern, line) for line in lines]
        return nested.Old(item.node.value.lower(), found, values, tuple(members)), own, inside

    def merged(self, top: nested.Tags) -> tuple[dict[str, t.Any], nested.Tags]:
        cold = self._cold()
        vmtas, pools, own, inside = [], [], [], []
        for item in self.items:
            if item.node.tag.lower() == "virtual-mta" and item.node.value.lower() in cold:
                self._context.all_of(item, DROPPED, "", "a cold virtual MTA; the fleet's warm-up is policy_phases")
                continue
            old, lines, deep = self._virtual_mta(item)
            (pools if item.node.tag.lower() == "virtual-mta-pool" else vmtas).append(old)
            own += [(old.name, line) for line in lines]
            inside += deep
        settings = nested.merged_settings(vmtas, pools)
        tags = nested.merged_tags(vmtas, pools, self._receivers.macros, top)
        for _name, line in own:
            where = "policy_virtual_mta_settings"
            if settings.get(line.name) == (line.text,):
                kept(self._context.report, [line], where)
            else:
                self._context.report.add(
                    line.item,
                    REPLACED,
                    f"{where}.{line.name}",
                    _differs(line, [one for _n, one in own], settings.get(line.name)),
                )
        new = self._receivers.asked(top, tags)
        for pattern, line in inside:
            where = f"policy_virtual_mta_domains.{pattern}"
            receivers = [nested.sample(one) for one in new.domains(pattern)]
            got = [new.settings(receiver, "new").get(line.name) for receiver in receivers]
            if all(values is not None and line.text in values for values in got):
                kept(self._context.report, [line], where)
            else:
                others = [one for known, one in inside if known.lower() == pattern.lower()]
                chosen = tags.get(pattern, {}).get(line.name) or next(filter(None, got), None)
                self._context.report.add(line.item, REPLACED, f"{where}.{line.name}", _differs(line, others, chosen))
        return written(settings, "virtual-mta"), tags


def _differs(line: Line, others: t.Iterable[Line], chosen: t.Sequence[str] | None) -> str:
    texts = dict.fromkeys(one.text for one in others if one.name == line.name)
    found = ", ".join(chosen) if chosen else "not kept, as not all had it"
    return f"the old virtual MTAs differ ({' or '.join(texts)}): {found}"
