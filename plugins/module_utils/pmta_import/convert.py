# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk over an old configuration: each line is kept, replaced or dropped, and says why."""

from __future__ import annotations

import re
import typing as t

from ..pmta_config import Blank, Comment, Directive, Finding, Section, lint, specs
from ..pmta_config.effective import Effective
from ..pmta_config.values import domain_pattern
from ..pmta_config.values import items as listed
from ..problems import FleetError, Problem
from . import fates, nested, secret
from .lines import Bucket, Line, kept, value, written
from .read import Item, Source, Unread, flat, read
from .report import BLANK, COMMENT, DROPPED, KEPT, REPLACED, UNCLEAR, Report, Row, entry_comment

# Where these stand, everything after them may be read as part of another section.
_STRUCTURE = frozenset(("syntax-unclosed", "syntax-crossed", "syntax-stray-closing"))
# What a whole configuration needs, the role writes.
_THE_ROLES = ("missing-",)
_MOST_PROBLEMS = 25
_PLAIN_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+\Z")
_MACRO_NAME = re.compile(r"[A-Za-z0-9_]+\Z")
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
    errors = _errors(text, file, resolve)
    conversion = _Conversion(source, accounting, keep_undocumented, {})
    wrong = _in_the_way(errors, conversion.report)
    if wrong and drop_errors:
        banned = {(one.file, one.line): f"{one.rule}: {one.message}" for one in wrong if one.rule not in _STRUCTURE}
        conversion = _Conversion(source, accounting, keep_undocumented, banned)
        wrong = [one for one in wrong if one.rule in _STRUCTURE]
    problems = [
        Problem(f"{one.file}:{one.line}:{one.column}", f"{one.rule}: {one.message}", one.remedy) for one in wrong
    ]
    rows = conversion.report.rows(source.files)
    known = {(one.file, one.line) for one in wrong}
    problems += [
        Problem(f"{row.file}:{row.line}", "cannot be read", "Correct the line, or remove it.")
        for row in rows
        if row.verdict == UNCLEAR and (row.file, row.line) not in known
    ]
    if problems:
        raise FleetError(problems[:_MOST_PROBLEMS])
    return Import(conversion.policy, rows, conversion.notes, conversion.vault.values, source.files)


def _errors(text: str, file: str, resolve: Resolver) -> list[Finding]:
    def quiet(pattern: str, origin: str) -> list[tuple[str, str]] | None:
        try:
            return resolve(pattern, origin)
        except Unread:
            return None

    return [
        one
        for one in lint(text, file, quiet, whole=True)
        if one.severity == "error" and not one.rule.startswith(_THE_ROLES)
    ]


def _in_the_way(errors: t.Iterable[Finding], report: Report) -> list[Finding]:
    """Errors in lines that would be kept, or that make the whole reading doubtful."""
    return [
        one for one in errors if one.rule in _STRUCTURE or report.verdict(one.file, one.line) in (KEPT, UNCLEAR, None)
    ]


class _Tag(t.NamedTuple):
    pattern: str
    bucket: Bucket


class _Conversion:
    def __init__(
        self,
        source: Source,
        accounting: t.Sequence[str],
        keep_undocumented: bool,
        banned: t.Mapping[tuple[str, int], str],
    ):
        self.report = Report()
        self.vault = secret.Vault()
        self.notes: list[str] = []
        self._home = source.files[0].rpartition("/")[0]
        self._accounting = tuple(accounting)
        self._keep_undocumented = keep_undocumented
        self._banned = banned
        self._globals = Bucket()
        self._relays: list[Line] = []
        self._macros: dict[str, list[str]] = {}
        self._macro_items: dict[str, Item] = {}
        self._tags: dict[str, _Tag] = {}
        self._heads: list[tuple[Item, str]] = []
        self._replies: dict[str, list[dict]] = {}
        self._bounces: list[dict] = []
        self._rollups: list[dict] = []
        self._sections: list[dict] = []
        self._virtual: list[Item] = []
        self._paths: dict[str, None] = {}
        self._secret_patterns: set[str] = set()
        for item in flat(source.items):
            self._top(item)
        self.policy = self._finished()

    def _short(self, file: str) -> str:
        """A file's name as its neighbours would include it."""
        return file[len(self._home) + 1 :] if self._home and file.startswith(f"{self._home}/") else file

    # Level by level --------------------------------------------------------------------------------------------------

    def _quiet(self, item: Item, where: str = "") -> bool:
        """Whether the node is none that says anything: reported, and done with."""
        node = item.node
        if isinstance(node, Blank):
            self.report.add(item, BLANK)
        elif isinstance(node, Comment):
            self.report.add(item, COMMENT)
        elif not isinstance(node, (Directive, Section)):
            self.report.add(item, UNCLEAR, "", "it cannot be read")
        elif (item.file, node.line) in self._banned:
            self.report.add(item, DROPPED, "", self._banned[item.file, node.line])
            self.report.add_all(item.inside, DROPPED, "", "the section it stands in is left out")
        elif item.included:
            self.report.add(item, REPLACED, where, "what it includes is read in its place")
        else:
            return False
        return True

    def _top(self, item: Item) -> None:
        if self._quiet(item):
            return
        if isinstance(item.node, Directive):
            self._global(item)
        else:
            self._section(item)

    def _name(self, item: Item, section: str) -> tuple[str, str]:
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
        if not row.documented and not self._keep_undocumented:
            self.report.add(
                item, DROPPED, "", f"not documented ({row.confidence}): a PowerMTA that refuses it would not load"
            )
            return "", ""
        if row.value.startswith("filename") and node.args and node.values[0]:
            self._paths[node.values[0]] = None
        return name, "outdated, and still taken" if row.deprecated else ""

    def _global(self, item: Item) -> None:
        node = item.node
        name = node.name.lower()
        if name == "domain-macro":
            self._macro(item)
            return
        if name == "run-as-root":
            root = node.args and node.values[0].lower() in ("yes", "true")
            why = "PowerMTA does not run as root here" if root else "the role says the same"
            self.report.add(item, DROPPED if root else REPLACED, "", why)
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
                reference = self.vault.reference(node, name)
                why = f"{why}: {reference.variables}" if isinstance(reference, secret.Reference) else why
            self.report.add(item, verdict, where, why)
            return
        name, why = self._name(item, "global")
        if name:
            text = self.vault.reference(node, name) if secret.is_secret(node) else " ".join(node.args)
            self._globals.add(Line(item, name, text, why))

    def _macro(self, item: Item) -> None:
        values = item.node.values
        if len(values) < 2 or not _MACRO_NAME.match(values[0]):
            self.report.add(item, UNCLEAR, "", "a macro needs a name and domains")
            return
        name = next((known for known in self._macros if known.lower() == values[0].lower()), None)
        domains = list(dict.fromkeys(listed(item.node.args[1:])))
        if name:
            first = self._macro_items[name]
            why = f"domain-macro {name} stands already at {first.file}:{first.node.line}"
            if domains != self._macros[name]:
                self.report.add(item, UNCLEAR, "", why)
            else:
                self.report.add(item, DROPPED, "", why)
            return
        self._macros[values[0]] = domains
        self._macro_items[values[0]] = item

    def _section(self, item: Item) -> None:
        node = item.node
        tag = node.tag.lower()
        if tag == "domain":
            self._domain(item, self._tags)
        elif tag == "smtp-pattern-list":
            self._reply_list(item)
        elif tag == "bounce-category-patterns":
            self._bounce_list(item)
        elif tag == "mx-rollup-list":
            self._rollup_list(item)
        elif tag in ("virtual-mta", "virtual-mta-pool"):
            self._virtual.append(item)
        elif tag in fates.SECTIONS:
            self._replaced(item, tag)
        elif tag in fates.WHOLE:
            self._whole(item)
        else:
            self.report.add(item, UNCLEAR, "", "no section of PowerMTA")
            self.report.add_all(item.inside, UNCLEAR, "", "no section of PowerMTA")

    # Receivers -------------------------------------------------------------------------------------------------------

    def _domain(self, item: Item, tags: dict[str, _Tag], where: str = "") -> None:
        """One ``<domain>`` tag. where: the variable of a nested one; empty for a global one."""
        pattern = item.node.value
        if "$" not in pattern:
            pattern = pattern.lower()
        wrong = domain_pattern(pattern) if pattern else "has no pattern"
        if wrong:
            self.report.add(item, UNCLEAR, "", wrong)
        elif not where:
            self._heads.append((item, pattern))
        else:
            self.report.add(item, KEPT, where, "")
        tag = tags.setdefault(pattern.lower(), _Tag(pattern, Bucket()))
        for line in flat(item.inside):
            if self._quiet(line):
                continue
            if isinstance(line.node, Section):
                self.report.add(line, UNCLEAR, "", "no section belongs here")
                self.report.add_all(line.inside, UNCLEAR, "", "no section belongs here")
                continue
            found = self._setting(line, tag.pattern, bool(where))
            if found:
                tag.bucket.add(found)

    def _setting(self, item: Item, pattern: str, inside: bool) -> Line | None:
        """A line of a ``<domain>`` tag, unless it is not to be kept."""
        node = item.node
        name, why = self._name(item, "domain")
        if not name:
            return None
        if name in fates.NEEDS:
            self._signing(item, name, pattern, inside)
            return None
        if name.startswith(fates.SECOND_KEY):
            self.report.add(item, REPLACED, "", "a sender has one key; the old keys are gone")
            return None
        if name in fates.DOMAIN and not (node.args and node.values == ("",)):
            self.report.add(item, *fates.DOMAIN[name])
            return None
        if secret.is_secret(node):
            text = self.vault.reference(node, name, "" if pattern == "*" else pattern)
            if inside and isinstance(text, secret.Reference):
                self.report.add(
                    item,
                    REPLACED,
                    f"policy_domains.{pattern}",
                    f"virtual MTAs hold no passwords; set it there: {text.variables}",
                )
                return None
            if isinstance(text, secret.Reference):
                self._secret_patterns.add(pattern.lower())
            return Line(item, name, text, why)
        text = " ".join(node.args)
        if name in fates.TRANSLATED:
            today, behind = fates.TRANSLATED[name]
            limited = behind and text not in ("", '""', "0", "unlimited")
            return Line(item, today, f"{text}{behind}" if limited else text, f"{name} is the old name", True)
        return Line(item, name, text, why)

    def _signing(self, item: Item, name: str, pattern: str, inside: bool) -> None:
        need = fates.NEEDS[name]
        where = f"policy_domain_settings.{name}"
        if value(name, " ".join(item.node.args)) == need:
            everywhere = "" if pattern == "*" and not inside else "it holds for every receiver"
            self.report.add(item, KEPT, where, everywhere)
        else:
            wanted = "yes" if need is True else need
            self.report.add(item, REPLACED, where, f"the fleet signs with {name} {wanted} for every receiver")

    # Lists -----------------------------------------------------------------------------------------------------------

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
                and (line.file, line.node.line) not in self._banned
            )
            if entry and self._name(line, section)[0]:
                yield line, above
                above = []
                continue
            for comment in above:
                self.report.add(comment, COMMENT)
            above = []
            if not entry and not self._quiet(line):
                self.report.add(line, UNCLEAR, "", "no entry of this list")
                self.report.add_all(line.inside, UNCLEAR, "", "no entry of this list")
        for comment in above:
            self.report.add(comment, COMMENT)

    def _listed(self, line: Item, above: list[Item], entry: dict, known: list[dict], where: str) -> None:
        """Put an entry into its list, once; its comments go with it."""
        same = [one for one in known if all(one[key] == word for key, word in entry.items())]
        if same:
            self.report.add(line, DROPPED, "", f"the same as {same[0]['source']}")
            for comment in above:
                self.report.add(comment, COMMENT)
            return
        known.append({**entry, "source": f"{self._short(line.file)}:{line.node.line}"})
        words = entry_comment(above, line.node)
        if words:
            known[-1]["comment"] = words
        broken = "\n" in (line.node.raw or "").rstrip("\r\n")
        self.report.add(line, KEPT, where, "broken over lines; joined with a space" if broken else "")
        for comment in above:
            self.report.add(comment, KEPT, where, "goes with the entry below")

    def _reply_list(self, item: Item) -> None:
        name = item.node.value
        known = next((one for one in self._replies if one.lower() == name.lower()), None)
        entries = self._replies.setdefault(known or name, [])
        where = f"policy_reply_lists.{known or name}"
        self.report.add(item, KEPT, where, f"joined with the first <smtp-pattern-list {name}>" if known else "")
        for line, above in self._entries(item, "smtp-pattern-list"):
            args = line.node.args
            if len(args) < 2 or line.node.name.lower() != "reply":
                self.report.add(line, UNCLEAR, "", "a reply needs a regex and an action")
                continue
            action = re.sub(r"\s*,\s*", ",", " ".join(args[1:]))
            self._listed(line, above, {"match": args[0], "action": action}, entries, where)

    def _bounce_list(self, item: Item) -> None:
        where = "policy_bounce_categories"
        self.report.add(item, KEPT, where)
        for line, above in self._entries(item, "bounce-category-patterns"):
            node = line.node
            if len(node.args) != 1:
                self.report.add(line, UNCLEAR, "", "a pattern needs one category")
                continue
            self._listed(line, above, {"match": node.name, "category": node.args[0]}, self._bounces, where)

    def _rollup_list(self, item: Item) -> None:
        where = "policy_mx_rollups"
        self.report.add(item, KEPT, where)
        for line in flat(item.inside):
            if self._quiet(line):
                continue
            args = line.node.values if isinstance(line.node, Directive) else ()
            if len(args) < 2 or line.node.name.lower() != "mx":
                self.report.add(line, UNCLEAR, "", "no entry of this list")
                continue
            first = next((one for one in self._rollups if one["mx"] == args[0].lower()), None)
            if first:
                self.report.add(
                    line, DROPPED, "", f"{args[0]} is rolled up to {first['to']} by an earlier line, which decides"
                )
                continue
            entry: dict = {"mx": args[0].lower(), "to": args[1].lower()}
            if len(args) > 2:
                entry["by_ip"] = True
            self._rollups.append(entry)
            self.report.add(line, KEPT, where)

    # Sections taken whole, and not at all ------------------------------------------------------------------------------

    def _whole(self, item: Item) -> None:
        node = item.node
        tag = node.tag.lower()
        if tag == "acct-file" and node.value in self._accounting:
            self._all(item, REPLACED, "powermta_accounting", "the role writes this file, with the records it reads")
            return
        lines = [
            line for line in flat(item.inside) if isinstance(line.node, (Directive, Section)) and not line.included
        ]
        if tag == "spool" and not lines:
            self._all(item, REPLACED, "", "the role's spool is /var/spool/pmta")
            return
        if tag == "spool" and node.value != "/var/spool/pmta":
            self._all(item, REPLACED, "", "the role's spool is /var/spool/pmta; set this there if it is still wanted")
            return
        section = next((one for one in self._sections if (one["tag"], one.get("name", "")) == (tag, node.name)), None)
        if section is None:
            section = {"tag": tag, "name": node.name} if node.name else {"tag": tag}
            self._sections.append(section)
        self._carried(item, section)

    def _carried(self, item: Item, section: dict) -> None:
        tag = item.node.tag.lower()
        where = "policy_sections"
        self.report.add(item, KEPT, where)
        lines = section.setdefault("lines", [])
        for line in flat(item.inside):
            if self._quiet(line):
                continue
            node = line.node
            if isinstance(node, Section):
                if node.tag.lower() not in fates.WHOLE:
                    self._all(line, UNCLEAR, "", "no section belongs here")
                    continue
                inside = {"tag": node.tag.lower(), "name": node.name} if node.name else {"tag": node.tag.lower()}
                lines.append(inside)
                self._carried(line, inside)
                continue
            name, why = self._name(line, tag)
            if not name:
                continue
            text = self.vault.reference(node, tag, name) if secret.is_secret(node) else " ".join(node.args)
            if name == "queue-filter" and re.search(r"/[^*\s,]", text):
                why = "it may name an old virtual MTA"
                self.notes.append(f"{line.file}:{node.line}: queue-filter names virtual MTAs; name the new ones")
            words = f"{node.name if name[:1] == '/' else name} {text}".rstrip()
            if isinstance(text, secret.Reference):
                words = secret.Reference(words)
            if words in lines:
                self.report.add(line, DROPPED, "", "it stands there twice")
                continue
            lines.append(words)
            self.report.add(line, KEPT, where, why)

    def _all(self, item: Item, verdict: str, where: str, why: str) -> None:
        self.report.add(item, verdict, where, why)
        self.report.add_all(item.inside, verdict, where, why)

    def _replaced(self, item: Item, tag: str) -> None:
        verdict, where, why = fates.SECTIONS[tag]
        self.report.add(item, verdict, where, why)
        for line in flat(item.inside):
            node = line.node
            if self._quiet(line):
                continue
            if isinstance(node, Section):
                self._all(line, verdict, where, why)
                continue
            name = node.name.lower()
            if secret.is_secret(node):
                self._password(line, item, name, verdict, where, why)
            elif tag == "source":
                self.report.add(line, *fates.SOURCE.get(name, (verdict, where, "set it there to keep it")))
            elif tag == "smtp-user" and name not in specs.by_section()["smtp-user"]:
                # A misspelt password is one all the same.
                self.report.add(line._replace(node=_masked(node)), DROPPED, "", "no directive of this place")
            else:
                self.report.add(line, verdict, where, why)

    def _password(self, line: Item, item: Item, name: str, verdict: str, where: str, why: str) -> None:
        node = line.node
        if name != "password" or not node.args:
            reference = self.vault.reference(node, name, item.node.value)
            self.report.add(
                line,
                verdict,
                where,
                f"{why}: {reference.variables}" if isinstance(reference, secret.Reference) else why,
            )
            return
        variable = self.vault.put(secret.plain_value(node.args), item.node.tag, item.node.value)
        self.notes.append(
            f"The password of {item.node.value} is in {variable}: name it as the password of a feeder in fleet_tenants"
        )
        self.report.add(line, verdict, where, f"the password is in {variable}")

    # Virtual MTAs ----------------------------------------------------------------------------------------------------

    def _cold(self) -> set[str]:
        return {
            line.node.values[0].lower()
            for item in self._virtual
            for line in flat(item.inside)
            if isinstance(line.node, Directive) and line.node.name.lower() == "cold-virtual-mta" and line.node.args
        }

    def _virtual_mta(self, item: Item) -> tuple[nested.Old, list[Line], list[tuple[str, Line]]]:
        """One virtual MTA or pool, its own lines that are kept, and those of its <domain> tags with their pattern."""
        settings = Bucket()
        tags: dict[str, _Tag] = {}
        members = []
        section = item.node.tag.lower()
        self.report.add(item, REPLACED, "fleet_tenants", "virtual MTAs and pools are the fleet's")
        for line in flat(item.inside):
            if self._quiet(line):
                continue
            node = line.node
            if isinstance(node, Section):
                self._domain(line, tags, "policy_virtual_mta_domains")
                continue
            name = node.name.lower()
            if name == "virtual-mta" and node.args:
                members.append(node.values[0].lower())
            if name in fates.VIRTUAL:
                self.report.add(line, *fates.VIRTUAL[name])
                continue
            name, why = self._name(line, section)
            if name:
                settings.add(Line(line, name, " ".join(node.args), why))
        values, own = settings.settled(self.report)
        found: nested.Tags = {}
        inside: list[tuple[str, Line]] = []
        for tag in tags.values():
            found[tag.pattern], lines = tag.bucket.settled(self.report)
            inside += [(tag.pattern, line) for line in lines]
        return nested.Old(item.node.value.lower(), found, values, tuple(members)), own, inside

    def _merged(self, top: nested.Tags) -> tuple[dict[str, t.Any], nested.Tags]:
        cold = self._cold()
        vmtas, pools, own, inside = [], [], [], []
        for item in self._virtual:
            if item.node.tag.lower() == "virtual-mta" and item.node.value.lower() in cold:
                self._all(item, DROPPED, "", "a cold virtual MTA; the fleet's warm-up is policy_phases")
                continue
            old, lines, deep = self._virtual_mta(item)
            (pools if item.node.tag.lower() == "virtual-mta-pool" else vmtas).append(old)
            own += [(old.name, line) for line in lines]
            inside += deep
        settings = nested.merged_settings(vmtas, pools)
        tags = nested.merged_tags(vmtas, pools, self._macros, top)
        for _name, line in own:
            where = "policy_virtual_mta_settings"
            if settings.get(line.name) == (line.text,):
                kept(self.report, [line], where)
            else:
                self.report.add(
                    line.item,
                    REPLACED,
                    f"{where}.{line.name}",
                    _differs(line, [one for _n, one in own], settings.get(line.name)),
                )
        new = self._asked(top, tags)
        for pattern, line in inside:
            where = f"policy_virtual_mta_domains.{pattern}"
            receivers = [nested.sample(one) for one in new.domains(pattern)]
            got = {new.settings(receiver, "new").get(line.name) for receiver in receivers}
            if all(values is not None and line.text in values for values in got):
                kept(self.report, [line], where)
            else:
                others = [one for known, one in inside if known.lower() == pattern.lower()]
                chosen = tags.get(pattern, {}).get(line.name) or next(iter(got - {None}), None)
                self.report.add(line.item, REPLACED, f"{where}.{line.name}", _differs(line, others, chosen))
        return written(settings, "virtual-mta"), tags

    def _asked(self, top: nested.Tags, tags: nested.Tags) -> Effective:
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

        macros = [Directive("domain-macro", name, ",".join(domains)) for name, domains in self._macros.items()]
        return Effective([*macros, *sections(top), Section("virtual-mta", "new", sections(tags))])

    # The policy ------------------------------------------------------------------------------------------------------

    def _finished(self) -> dict[str, t.Any]:
        top: nested.Tags = {}
        lines: dict[str, list[Line]] = {}
        for key, tag in self._tags.items():
            top[tag.pattern], lines[key] = tag.bucket.settled(self.report)
        virtual_settings, virtual_tags = self._merged(top)
        providers = self._providers(top)
        asked = self._asked(top, virtual_tags)
        homes = {}
        for key, tag in self._tags.items():
            macro = tag.pattern[1:] if tag.pattern[:1] == "$" else None
            if tag.pattern == "*":
                homes[key] = "policy_domain_settings"
            elif macro in providers:
                homes[key] = f"policy_providers.{macro}.settings"
            else:
                homes[key] = f"policy_domains.{tag.pattern}"
            kept(self.report, lines[key], homes[key], self._hidden(asked, tag.pattern))
        for item, pattern in self._heads:
            self.report.add(item, KEPT, homes[pattern.lower()], self._hidden(asked, pattern))
        for name, item in self._macro_items.items():
            where = f"policy_providers.{name}.domains" if name in providers else f"policy_macros.{name}"
            self.report.add(item, KEPT, where)
        self._kept_relays()
        global_values, global_lines = self._globals.settled(self.report)
        kept(self.report, global_lines, "policy_global_settings")
        missing = [name for name in fates.NEEDS if not self._said(name)]
        if missing:
            self.notes.append(
                f"Added to policy_domain_settings, because the fleet signs all its mail: {', '.join(missing)}"
            )
        if self._paths:
            self.notes.append(f"Files that the new host needs too: {', '.join(self._paths)}")
        every = {**written(top.get("*", {})), **fates.NEEDS}
        return {
            "policy_providers": providers,
            "policy_macros": {name: domains for name, domains in self._macros.items() if name not in providers},
            "policy_replies": [],
            "policy_reply_lists": self._replies,
            "policy_bounce_categories": self._bounces,
            "policy_mx_rollups": self._rollups,
            "policy_domain_settings": every,
            "policy_domains": {
                pattern: written(settings)
                for pattern, settings in top.items()
                if pattern != "*" and not (pattern[:1] == "$" and pattern[1:] in providers)
            },
            "policy_virtual_mta_settings": virtual_settings,
            "policy_virtual_mta_domains": {pattern: written(settings) for pattern, settings in virtual_tags.items()},
            "policy_global_settings": written(global_values, "global"),
            "policy_sections": self._sections,
        }

    def _said(self, name: str) -> bool:
        """Whether the old ``<domain *>`` spoke of a setting that the fleet needs."""
        return any(
            isinstance(line.node, Directive) and line.node.name.lower() == name
            for item, pattern in self._heads
            if pattern == "*"
            for line in flat(item.inside)
        )

    def _providers(self, top: nested.Tags) -> dict[str, dict]:
        """Macros with rules of their own: a sender can be given a share of them."""
        providers: dict[str, dict] = {}
        taken: set[str] = set()
        asked = self._asked({}, {})
        for name in self._macros:
            settings, domains = top.get(f"${name}"), asked.domains(f"${name}")
            plain = all(_PLAIN_DOMAIN.match(domain) for domain in domains) and not taken.intersection(
                map(str.lower, domains)
            )
            if settings and plain and f"${name}".lower() not in self._secret_patterns:
                taken.update(domains)
                providers[name] = {"domains": domains, "settings": written(settings)}
        return providers

    def _hidden(self, asked: Effective, pattern: str) -> str:
        """A remark where the old roll-ups took a receiver's mail away from its rules."""
        if pattern == "*" or not self._rollups:
            return ""
        found = []
        for domain in asked.domains(pattern):
            for one in self._rollups:
                hosts = " ".join(asked.settings(one["to"]).get("smtp-hosts", ())).lower().replace("'", "")
                aimed = f"lookup-mx:{domain}" in re.split(r"[\s,;]+", hosts)
                if domain != one["to"] and (aimed or one["mx"].lstrip("*.") == domain):
                    off = asked.settings(domain).get("disable-mx-rollup", ("no",))[-1].lower()
                    if off not in ("yes", "true"):
                        found.append(f"{domain} to {one['to']}")
        names = ", ".join(dict.fromkeys(found))
        return f"kept, but not in effect before: <mx-rollup-list> takes the mail of {names}" if found else ""

    def _kept_relays(self) -> None:
        """Domains that a processor reads stay; the others belonged to the old senders."""
        read_by = {
            word.lower()
            for section in self._sections
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
                self.report.add(line.item, *fates.GLOBAL[line.name])


def _masked(node: Directive) -> Directive:
    """A line whose arguments may be a secret, for the report alone."""
    raw = node.raw or ""
    copy = Directive(node.name)
    copy.line = node.line
    copy.raw = f"{node.name} {secret.SHOWN}" + "\n" * raw.count("\n")
    return copy


def _differs(line: Line, others: t.Iterable[Line], chosen: t.Sequence[str] | None) -> str:
    texts = dict.fromkeys(one.text for one in others if one.name == line.name)
    found = ", ".join(chosen) if chosen else "not kept, as not all had it"
    return f"the old virtual MTAs differ ({' or '.join(texts)}): {found}"
