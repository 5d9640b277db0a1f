# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk over an old configuration: each line is kept, replaced or dropped, and says why."""

from __future__ import annotations

import typing as t

from ..pmta_config import Directive, Finding, lint
from ..problems import FleetError, Problem
from . import fates, nested, secret
from .context import Context
from .lines import Bucket, Line, kept, written
from .lists import Lists
from .read import Item, Source, Unread, flat, read
from .receivers import Receivers
from .report import BLANK, COMMENT, DROPPED, KEPT, REPLACED, UNCLEAR, Report, Row
from .sections import Sections
from .virtual import Virtual

# Where these stand, everything after them may be read as part of another section.
_STRUCTURE = frozenset(("syntax-unclosed", "syntax-crossed", "syntax-stray-closing"))
# What a whole configuration needs, the role writes.
_THE_ROLES = ("missing-",)
# What they warn of, listeners and signing, is the fleet's and other there.
_MENDED = ("processor-", "dkim-", "domain-key-")
_MOST_PROBLEMS = 25
_LET_GO = "Correct the lines, or let them go with drop_errors (import_config_drop_errors=true); the report then lists them as dropped."
Resolver = t.Callable[[str, str], t.Optional[list[tuple[str, str]]]]


class Import(t.NamedTuple):
    """policy: variables of the role policy; rows: one for each line of each file; notes: what to do by hand, as sentences;
    secrets: values of the vaulted variables that the policy and the notes name; files: everything that was read."""

    policy: dict[str, t.Any]
    rows: list[Row]
    notes: list[str]
    secrets: dict[str, str]
    files: list[str]

    @property
    def counts(self) -> dict[str, int]:
        return {
            verdict: sum(row.verdict == verdict for row in self.rows)
            for verdict in (KEPT, REPLACED, DROPPED, COMMENT, BLANK)
        }


def import_config(
    text: str,
    file: str,
    resolve: Resolver,
    accounting: t.Sequence[str] = (),
    keep_undocumented: bool = False,
    drop_errors: bool = False,
) -> Import:
    """Turn a configuration into policy.

    resolve: see `read`. accounting: paths of the accounting files that the role writes. keep_undocumented: keep directives that the
    vendor does not document. drop_errors: leave out lines that the linter finds wrong. Raises FleetError, with every problem found,
    where an include cannot be read and where a line that would be kept is wrong.
    """
    source = read(text, file, resolve)
    found = _found(text, file, resolve)
    errors = [one for one in found if one.severity == "error"]
    conversion = _Conversion(source, accounting, keep_undocumented, {})
    wrong = _in_the_way(errors, conversion.context.report)
    if wrong and drop_errors:
        banned = {(one.file, one.line): f"{one.rule}: {one.message}" for one in wrong if one.rule not in _STRUCTURE}
        conversion = _Conversion(source, accounting, keep_undocumented, banned)
        wrong = [one for one in wrong if one.rule in _STRUCTURE]
    problems = [
        Problem(f"{one.file}:{one.line}:{one.column}", f"{one.rule}: {one.message}", one.remedy) for one in wrong
    ]
    rows = conversion.context.report.rows(source.files)
    known = {(one.file, one.line) for one in wrong}
    problems += [
        Problem(f"{row.file}:{row.line}", "cannot be read", "Correct the line, or remove it.")
        for row in rows
        if row.verdict == UNCLEAR and (row.file, row.line) not in known
    ]
    if problems:
        if any(one.rule not in _STRUCTURE for one in wrong):
            problems = [*problems[: _MOST_PROBLEMS - 1], Problem(file, "nothing was imported", _LET_GO)]
        raise FleetError(problems[:_MOST_PROBLEMS])
    rows = _warned(rows, found)
    return Import(conversion.policy, rows, conversion.context.notes, conversion.context.vault.values, source.files)


def _found(text: str, file: str, resolve: Resolver) -> list[Finding]:
    def quiet(pattern: str, origin: str) -> list[tuple[str, str]] | None:
        try:
            return resolve(pattern, origin)
        except Unread:
            return None

    return [one for one in lint(text, file, quiet, whole=True) if not one.rule.startswith(_THE_ROLES)]


def _warned(rows: list[Row], found: t.Iterable[Finding]) -> list[Row]:
    """Kept lines say what the linter warns of: the traps of the old configuration come along."""
    warnings: dict[tuple[str, int], list[str]] = {}
    for one in found:
        if one.severity != "error" and not one.rule.startswith(_MENDED):
            warnings.setdefault((one.file, one.line), []).append(secret.hidden(f"warning {one.rule}: {one.message}"))
    return [
        row._replace(why="; ".join(filter(None, [row.why, *dict.fromkeys(warnings.get((row.file, row.line), ()))])))
        if row.verdict == KEPT
        else row
        for row in rows
    ]


def _in_the_way(errors: t.Iterable[Finding], report: Report) -> list[Finding]:
    """Errors in lines that would be kept, or that make the whole reading doubtful."""
    return [
        one for one in errors if one.rule in _STRUCTURE or report.verdict(one.file, one.line) in (KEPT, UNCLEAR, None)
    ]


class _Conversion:
    def __init__(
        self,
        source: Source,
        accounting: t.Sequence[str],
        keep_undocumented: bool,
        banned: t.Mapping[tuple[str, int], str],
    ):
        self.context = Context(source.files[0].rpartition("/")[0], keep_undocumented, banned)
        self._lists = Lists(self.context)
        self._receivers = Receivers(self.context, self._lists)
        self._virtual = Virtual(self.context, self._receivers)
        self._whole = Sections(self.context, accounting)
        self._globals = Bucket()
        self._relays: list[Line] = []
        for item in flat(source.items):
            self._top(item)
        self.policy = self._finished()

    def _top(self, item: Item) -> None:
        if self.context.quiet(item):
            return
        if isinstance(item.node, Directive):
            self._global(item)
        else:
            self._section(item)

    def _global(self, item: Item) -> None:
        node = item.node
        name = node.name.lower()
        if name == "domain-macro":
            self._receivers.macro(item)
            return
        if name == "run-as-root":
            root = node.args and node.values[0].lower() in ("yes", "true")
            why = "PowerMTA does not run as root here" if root else "the role says the same"
            self.context.report.add(item, DROPPED if root else REPLACED, "", why)
            return
        fate = fates.GLOBAL.get(name) or next(
            (one for start, one in fates.GLOBAL_PREFIXES if name.startswith(start)), None
        )
        if fate and name in ("relay-domain", "relay-address"):
            # A processor that is kept needs the mail of its own domains.
            self._relays.append(Line(item, name, " ".join(node.args)))
            return
        if fate:
            verdict, where, why = fate
            if secret.is_secret(node):
                reference = self.context.vault.reference(node, name)
                why = f"{why}: {reference.variables}" if isinstance(reference, secret.Reference) else why
            self.context.report.add(item, verdict, where, why)
            return
        name, why = self.context.name(item, "global")
        if name:
            words = " ".join(node.args)
            text = (
                self.context.vault.reference(node, name)
                if secret.is_secret(node)
                else self.context.vault.without(words, name)
            )
            self._globals.add(Line(item, name, text, why))

    def _section(self, item: Item) -> None:
        node = item.node
        tag = node.tag.lower()
        if tag == "domain":
            self._receivers.domain(item, self._receivers.tags)
        elif tag == "smtp-pattern-list":
            self._lists.reply_list(item)
        elif tag == "bounce-category-patterns":
            self._lists.bounce_list(item)
        elif tag == "mx-rollup-list":
            self._lists.rollup_list(item)
        elif tag in ("virtual-mta", "virtual-mta-pool"):
            self._virtual.items.append(item)
        elif tag in fates.SECTIONS:
            self._whole.replace(item, tag)
        elif tag in fates.WHOLE:
            self._whole.carry(item)
        else:
            self.context.report.add(item, UNCLEAR, "", "no section of PowerMTA")
            self.context.report.add_all(item.inside, UNCLEAR, "", "no section of PowerMTA")

    def _finished(self) -> dict[str, t.Any]:
        top: nested.Tags = {}
        lines: dict[str, list[Line]] = {}
        for key, tag in self._receivers.tags.items():
            top[tag.pattern], lines[key] = tag.bucket.settled(self.context.report)
        virtual_settings, virtual_tags = self._virtual.merged(top)
        self.context.notes += nested.beaten(top, virtual_tags)
        providers = self._receivers.providers(top)
        asked = self._receivers.asked(top, virtual_tags)
        homes = {}
        for key, tag in self._receivers.tags.items():
            macro = tag.pattern[1:] if tag.pattern[:1] == "$" else None
            if tag.pattern == "*":
                homes[key] = "policy_domain_settings"
            elif macro in providers:
                homes[key] = f"policy_providers.{macro}.settings"
            else:
                homes[key] = f"policy_domains.{tag.pattern}"
            kept(self.context.report, lines[key], homes[key], self._receivers.hidden(asked, tag.pattern))
        for item, pattern in self._receivers.heads:
            self.context.report.add(item, KEPT, homes[pattern.lower()], self._receivers.hidden(asked, pattern))
        for name, item in self._receivers.macro_items.items():
            where = f"policy_providers.{name}.domains" if name in providers else f"policy_macros.{name}"
            self.context.report.add(item, KEPT, where)
        self._kept_relays()
        global_values, global_lines = self._globals.settled(self.context.report)
        kept(self.context.report, global_lines, "policy_global_settings")
        missing = [name for name in fates.NEEDS if not self._receivers.said(name)]
        if missing:
            self.context.notes.append(
                f"Added to policy_domain_settings, because the fleet signs all its mail: {', '.join(missing)}"
            )
        if self.context.paths:
            self.context.notes.append(f"Files that the new host needs too: {', '.join(self.context.paths)}")
        every = {**written(top.get("*", {})), **fates.NEEDS}
        return {
            "policy_providers": providers,
            "policy_macros": {
                name: domains for name, domains in self._receivers.macros.items() if name not in providers
            },
            "policy_replies": [],
            "policy_reply_lists": self._lists.replies,
            "policy_bounce_categories": self._lists.bounces,
            "policy_mx_rollups": self._lists.rollups,
            "policy_domain_settings": every,
            "policy_domains": {
                pattern: written(settings)
                for pattern, settings in top.items()
                if pattern != "*" and not (pattern[:1] == "$" and pattern[1:] in providers)
            },
            "policy_virtual_mta_settings": virtual_settings,
            "policy_virtual_mta_domains": {pattern: written(settings) for pattern, settings in virtual_tags.items()},
            "policy_global_settings": written(global_values, "global"),
            "policy_sections": self._whole.sections,
        }

    def _kept_relays(self) -> None:
        """Domains that a processor reads stay; the others belonged to the old senders."""
        read_by = {
            word.lower()
            for section in self._whole.sections
            if section["tag"] in ("bounce-processor", "feedback-loop-processor")
            for line in section.get("lines", ())
            for inner in (line.get("lines", ()) if isinstance(line, dict) else [line])
            if isinstance(inner, str) and inner.startswith(("domain ", "address "))
            for word in [inner.partition(" ")[2].replace("\\", "").strip("/^$").rpartition("@")[2]]
        }
        for line in self._relays:
            domain = line.text.lower().replace("\\", "").strip("/^$").rpartition("@")[2]
            if domain in read_by:
                self._globals.add(line._replace(why="a processor reads this domain's mail"))
            else:
                self.context.report.add(line.item, *fates.GLOBAL[line.name])
