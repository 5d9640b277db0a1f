# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every part of an import shares: the report, the vault, and the question whether a line can be kept at all."""

from __future__ import annotations

import typing as t

from ..pmta_config import Blank, Comment, Directive, Section, specs
from . import fates
from .read import Item
from .report import BLANK, COMMENT, DROPPED, REPLACED, UNCLEAR, Report
from .secret import Vault


class Context:
    """home: directory of the main file; banned: (file, line) -> why a line is left out; paths: files that kept settings name."""

    def __init__(self, home: str, keep_undocumented: bool, banned: t.Mapping[tuple[str, int], str]):
        self.report = Report()
        self.vault = Vault()
        self.notes: list[str] = []
        self.paths: dict[str, None] = {}
        self._home = home
        self.keep_undocumented = keep_undocumented
        self.banned = banned

    def short(self, file: str) -> str:
        """A file's name as its neighbours would include it."""
        return file[len(self._home) + 1 :] if self._home and file.startswith(f"{self._home}/") else file

    def quiet(self, item: Item, where: str = "") -> bool:
        """Whether the node is none that says anything: reported, and done with."""
        node = item.node
        if isinstance(node, Blank):
            self.report.add(item, BLANK)
        elif isinstance(node, Comment):
            self.report.add(item, COMMENT)
        elif not isinstance(node, (Directive, Section)):
            self.report.add(item, UNCLEAR, "", "it cannot be read")
        elif (item.file, node.line) in self.banned:
            self.report.add(item, DROPPED, "", self.banned[item.file, node.line])
            self.report.add_all(item.inside, DROPPED, "", "the section it stands in is left out")
        elif item.included:
            self.report.add(item, REPLACED, where, "what it includes is read in its place")
        else:
            return False
        return True

    def name(self, item: Item, section: str) -> tuple[str, str]:
        """The directive's name if the line can be kept, and a remark; an empty name if it was reported as not to be kept."""
        node = item.node
        name = node.name.lower()
        spec = specs.by_section().get(section, {}).get("/regex/" if name[:1] == "/" else name)
        if spec is None:
            self.report.add(item, UNCLEAR, "", "no directive of this place")
            return "", ""
        row = spec.row
        if name in fates.TRANSLATED:
            return name, ""
        if "no longer valid" in row.confidence or "obsolete" in row.confidence:
            self.report.add(item, DROPPED, "", f"PowerMTA 5 does not take it any more ({row.confidence})")
            return "", ""
        if not row.documented and not self.keep_undocumented:
            self.report.add(
                item, DROPPED, "", f"not documented ({row.confidence}): a PowerMTA that refuses it would not load"
            )
            return "", ""
        if row.value.startswith("filename") and node.args and node.values[0]:
            self.paths[node.values[0]] = None
        return name, "outdated, and still taken" if row.deprecated else ""

    def all_of(self, item: Item, verdict: str, where: str, why: str) -> None:
        self.report.add(item, verdict, where, why)
        self.report.add_all(item.inside, verdict, where, why)
