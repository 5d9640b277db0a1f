# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reply patterns, bounce categories and roll-ups: each entry once, in its order, with its comments."""

from __future__ import annotations

import re
import typing as t

from ..pmta_config import Comment, Directive
from .context import Context
from .read import Item, flat
from .report import COMMENT, DROPPED, KEPT, UNCLEAR, entry_comment


class Lists:
    """The three kinds of lists as the policy holds them."""

    def __init__(self, context: Context):
        self._context = context
        self.replies: dict[str, list[dict]] = {}
        self.bounces: list[dict] = []
        self.rollups: list[dict] = []

    def reply_list(self, item: Item) -> None:
        name = item.node.value
        known = next((one for one in self.replies if one.lower() == name.lower()), None)
        entries = self.replies.setdefault(known or name, [])
        where = f"policy_reply_lists.{known or name}"
        self._context.report.add(
            item, KEPT, where, f"joined with the first <smtp-pattern-list {name}>" if known else ""
        )
        for line, above in self._entries(item, "smtp-pattern-list"):
            args = line.node.args
            if len(args) < 2 or line.node.name.lower() != "reply":
                self._context.report.add(line, UNCLEAR, "", "a reply needs a regex and an action")
                continue
            action = re.sub(r"\s*,\s*", ",", " ".join(args[1:]))
            self._listed(line, above, {"match": args[0], "action": action}, entries, where)

    def bounce_list(self, item: Item) -> None:
        where = "policy_bounce_categories"
        self._context.report.add(item, KEPT, where)
        for line, above in self._entries(item, "bounce-category-patterns"):
            node = line.node
            if len(node.args) != 1:
                self._context.report.add(line, UNCLEAR, "", "a pattern needs one category")
                continue
            self._listed(line, above, {"match": node.name, "category": node.args[0]}, self.bounces, where)

    def rollup_list(self, item: Item) -> None:
        where = "policy_mx_rollups"
        self._context.report.add(item, KEPT, where)
        for line in flat(item.inside):
            if self._context.quiet(line):
                continue
            args = line.node.values if isinstance(line.node, Directive) else ()
            if len(args) < 2 or line.node.name.lower() != "mx":
                self._context.report.add(line, UNCLEAR, "", "no entry of this list")
                continue
            first = next((one for one in self.rollups if one["mx"] == args[0].lower()), None)
            if first:
                self._context.report.add(
                    line, DROPPED, "", f"{args[0]} is rolled up to {first['to']} by an earlier line, which decides"
                )
                continue
            entry: dict = {"mx": args[0].lower(), "to": args[1].lower()}
            if len(args) > 2:
                entry["by_ip"] = True
            self.rollups.append(entry)
            self._context.report.add(line, KEPT, where)

    def _entries(self, item: Item, section: str) -> t.Iterator[tuple[Item, list[Item]]]:
        """The entries of a list that can be kept, each with the comment lines right above it."""
        above: list[Item] = []
        for line in flat(item.inside):
            if isinstance(line.node, Comment):
                above.append(line)
                continue
            entry = (
                isinstance(line.node, Directive)
                and not line.included
                and (line.file, line.node.line) not in self._context.banned
            )
            if entry and self._context.name(line, section)[0]:
                yield line, above
                above = []
                continue
            for comment in above:
                self._context.report.add(comment, COMMENT)
            above = []
            if not entry and not self._context.quiet(line):
                self._context.report.add(line, UNCLEAR, "", "no entry of this list")
                self._context.report.add_all(line.inside, UNCLEAR, "", "no entry of this list")
        for comment in above:
            self._context.report.add(comment, COMMENT)

    def _listed(self, line: Item, above: list[Item], entry: dict, known: list[dict], where: str) -> None:
        """Put an entry into its list, once; its comments go with it."""
        same = [one for one in known if all(one[key] == word for key, word in entry.items())]
        if same:
            self._context.report.add(line, DROPPED, "", f"the same as {same[0]['source']}")
            for comment in above:
                self._context.report.add(comment, COMMENT)
            return
        known.append({**entry, "source": f"{self._context.short(line.file)}:{line.node.line}"})
        words = entry_comment(above, line.node)
        if words:
            known[-1]["comment"] = words
        broken = "\n" in (line.node.raw or "").rstrip("\r\n")
        self._context.report.add(line, KEPT, where, "broken over lines; joined with a space" if broken else "")
        for comment in above:
            self._context.report.add(comment, KEPT, where, "goes with the entry below")
