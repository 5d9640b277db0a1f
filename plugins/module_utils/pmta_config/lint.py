# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The linter: one walk over the tree judges each line by the directive table and collects `Facts`; then the rules that need the
whole picture look at those.

What it cannot see (key files, bound addresses, published records, the licence) it does not judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from . import regexes, sections, specs, tokens, values
from .collector import paused
from .facts import Facts, Held, Key, Place, Setting, Use
from .finding import ERROR, WARNING, Finding, Silenced
from .host import RULES as HOST_RULES
from .host import Needed, Observed, judge_host, needed
from .judges import judge
from .parse import Resolver, locate, parse
from .printer import render
from .rules import RULES
from .silence import MARKER, Silencer
from .tree import Config, Directive, Node, Section

# Directives that take regexes, and the entries that are one.
_REGEXES = tokens.REGEX_DIRECTIVES | {"/regex/"}
MOST_FINDINGS = 1000
DEEPEST_INCLUDE = 20
DEEPEST_TAG = 50
_QUAD = re.compile(r"[0-9]+(?:\.[0-9]+){3}\Z")
# Two of these at global level: the file is a whole configuration, not a part that another one includes.
_MARKS = frozenset(("postmaster", "log-file", "spool", "smtp-listener", "http-mgmt-port", "run-as-root", "acct-file"))
# Lines that the rules of `judges` ask about.
_KEPT = frozenset(
    (
        "always-allow-relaying",
        "require-auth",
        "relay-domain",
        "relay-address",
        "dkim-sign",
        "second-dkim-sign",
        "http-access",
        "postmaster",
        "log-file",
        "max-cold-virtual-mta-msg",
        "cold-virtual-mta",
        "auto-cold-virtual-mta",
        "require-starttls",
        "process-x-dkim-key",
        "process-x-dkim-options",
    )
)


class LintReport(NamedTuple):
    """findings: what is wrong, in file order; silenced: what was judged acceptable, with the reasons; facts: what the
    configuration defines and uses."""

    findings: list[Finding]
    silenced: list[Silenced]
    facts: Facts


def lint(
    config: str | Config | Iterable[Node],
    file: str = "config",
    resolve: Resolver | None = None,
    whole: bool | None = None,
    silenced: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Everything wrong with a configuration, in file order.

    config: text, a parsed tree, or built nodes (which are rendered first). resolve: reads includes; without it they are not
    followed, and a name that is not defined here is a warning then, because an include may define it. whole: True for a
    complete configuration (required settings must be there), False for a part of one (names may be defined elsewhere), None to
    tell by the settings it holds. silenced: rule -> reason, for rules that are not to be reported at all.
    """
    return lint_report(config, file, resolve, whole, silenced).findings


def lint_report(
    config: str | Config | Iterable[Node],
    file: str = "config",
    resolve: Resolver | None = None,
    whole: bool | None = None,
    silenced: Mapping[str, str] | None = None,
    observe: Callable[[Needed], Observed] | None = None,
) -> LintReport:
    """As `lint`, and also what was silenced and what was collected. observe: looks at the host, for the rules ``host-``."""
    if not isinstance(config, (str, Config)):
        config = render(config)
    linter = _Linter(resolve, whole, silenced or {}, observe)
    with paused():
        marked = not isinstance(config, str) or MARKER in config
        if isinstance(config, str):
            config = parse(config, file)
        if marked:
            linter.silencer.read(config)
        return linter.run(config)


class _Linter:
    def __init__(
        self,
        resolve: Resolver | None,
        whole: bool | None,
        silenced: Mapping[str, str],
        observe: Callable[[Needed], Observed] | None = None,
    ):
        self.resolve = resolve
        self.observe = observe
        self.silencer = Silencer(RULES, silenced.items())
        self.whole = whole
        self.facts = Facts()
        self.findings: list[Finding] = []
        self.reported = {ERROR: 0, WARNING: 0}
        self.left_out = 0
        self.seen: dict[tuple, Place | Section] = {}
        # The section whose inner ones are being read, and those by tag and name.
        self.siblings: tuple[Section | None, dict[tuple[str, str], Section]] = (None, {})
        self.marks: set[str] = set()
        # Lines of which the parser said that a comment cuts them.
        self.swallowed: set[tuple[str, int]] = set()
        self.order = 0
        self.file = ""
        self.files: list[str] = []

    # Reporting -------------------------------------------------------------------------------------------------------

    def report(
        self, rule: str, place: Place, message: str, remedy: str | None = None, severity: str | None = None
    ) -> None:
        known = RULES[rule]
        severity = severity or known.severity
        # Each severity has its own share: many warnings hide no error.
        self.reported[severity] += 1
        if self.reported[severity] > MOST_FINDINGS:
            self.left_out += 1
            return
        line, column = locate(place.node, place.index)
        self.findings.append(
            Finding(place.file, max(line, 1), max(column, 1), severity, rule, message, remedy or known.remedy)
        )

    def here(self, node: Directive | Section, index: int = 0) -> Place:
        self.order += 1
        return Place(self.file, node, index, self.order)

    # The walk --------------------------------------------------------------------------------------------------------

    def run(self, config: Config) -> LintReport:
        self.file = config.file
        self.files.append(config.file)
        self.take(config)
        table = specs.by_section()
        # A stack, not recursion: damaged files nest deeper than Python recurses. Then the chain of files that are open, and the
        # lines of the section.
        stack = [
            (iter(config.nodes), sections.GLOBAL, table[sections.GLOBAL], (), (config.file,), self.facts.top.lines)
        ]
        while stack:
            nodes, tag, known, around, files, lines = stack[-1]
            self.file = files[-1]
            for node in nodes:
                kind = type(node)
                if kind is Directive:
                    name = node._name
                    spec = known.get(name) or known.get(name.lower())
                    if spec is None:
                        spec = self.unknown(node, tag, known)
                        if spec is None:
                            continue
                    fault = spec.check(node._args)
                    if fault:
                        self.fault(spec, node, fault)
                    else:
                        lines.append((spec.name, node, self.file))
                    if spec.remark:
                        self.report(spec.remark[0], self.here(node), *spec.remark[1:])
                    name = spec.name
                    if name in _REGEXES:
                        self.beyond(node, (node._name, *node._args))
                    if name in _KEPT:
                        self.facts.settings.setdefault(name, []).append(Setting(node, around, self.here(node)))
                    handler = _HANDLERS.get(name)
                    # A virtual MTA whose address is written wrongly is not one without an address.
                    # Nor is a pool without members whose member has a weight.
                    if handler and (not fault or handler in _ALSO_FAULTY):
                        handler(self, node, around)
                    if name in _MARKS and not around:
                        self.marks.add(name)
                    if name == "include" and not fault:
                        opened = self.include(node, files)
                        if opened:
                            # In reverse: the first file is read first.
                            stack += [
                                (iter(part.nodes), tag, known, around, (*files, part.file), lines)
                                for part in reversed(opened)
                            ]
                            break
                elif kind is Section:
                    inside = self.section(node, tag, around)
                    # Nothing nests so deep; what does was reported, and each level costs what all above it hold.
                    if inside is not None and len(around) < DEEPEST_TAG:
                        held = Held(inside, node.value.lower(), node, around, self.file, [])
                        self.facts.sections.setdefault(inside, []).append(held)
                        stack.append((iter(node.nodes), inside, table[inside], around + (node,), files, held.lines))
                        break
            else:
                stack.pop()
        self.facts.whole = self.whole if self.whole is not None else len(self.marks) > 1
        loose = self.whole is False or not self.facts.complete
        judge(self.facts, self.report, WARNING if loose else ERROR, config)
        if self.observe:
            judge_host(self.facts, self.observe(needed(self.facts)), self.report)
        if self.left_out:
            left_out = RULES["findings-left-out"]
            self.findings.append(
                Finding(
                    config.file,
                    1,
                    1,
                    left_out.severity,
                    "findings-left-out",
                    f"{self.left_out} more findings are not listed",
                    left_out.remedy,
                )
            )
        # A mark for a rule of the host may be idle only where the host was looked at.
        remaining, quiet = self.silencer.apply(self.findings, () if self.observe else HOST_RULES)
        # Stable: findings of one line stay in the order they were made; other files follow in reading order.
        order = {name: at for at, name in enumerate(dict.fromkeys([*self.files, *(one.file for one in remaining)]))}
        remaining.sort(key=lambda found: (order[found.file], found.line, found.column))
        return LintReport(remaining, quiet, self.facts)

    def take(self, part: Config) -> None:
        """What the parser found."""
        self.findings += part.findings
        self.left_out += part.left_out
        self.swallowed.update((found.file, found.line) for found in part.findings if found.rule == "comment-swallows")

    def include(self, node: Directive, files: tuple[str, ...]) -> list[Config] | None:
        pattern = node.values[0]
        texts = self.resolve(pattern, self.file) if self.resolve else None
        # A resolver that knows why says so.
        unread = getattr(self.resolve, "unread", {}).get((pattern, self.file), ())
        for what, remedy in unread:
            self.report("include-missing", self.here(node, 1), what, f"{remedy}; what it holds was not checked")
        if texts is None and not unread:
            self.report("include-missing", self.here(node, 1), f"{pattern} was not read")
        if texts is None or unread:
            self.facts.complete = False
        if texts is None:
            return None
        opened = []
        for name, text in texts:
            if name in files or len(files) > DEEPEST_INCLUDE:
                self.report(
                    "include-loop", self.here(node, 1), f"{name} includes itself, by way of {' -> '.join(files)}"
                )
                continue
            part = parse(text, name)
            self.files.append(name)
            if MARKER in text:
                self.silencer.read(part)
            self.take(part)
            opened.append(part)
        return opened

    # Lines -----------------------------------------------------------------------------------------------------------

    def unknown(self, node: Directive, tag: str, known: dict[str, specs.Spec]) -> specs.Spec | None:
        """Report a line that does not belong here; the Spec by which it can still be judged, if there is one."""
        name = node.name
        if tag == "bounce-category-patterns" and name[:1] == "/":
            wrong = values.regex(name)
            if wrong:
                self.report("argument-value", self.here(node), f"{name[:60]!r} {wrong}", "Expected: /regex/ CATEGORY")
            return known["/regex/"]
        where = specs.places().get(name.lower())
        if where:
            places = ", ".join("global level" if place == sections.GLOBAL else f"<{place}>" for place in where[:4])
            self.report(
                "section-directive",
                self.here(node),
                f"{name} does not belong {'at global level' if tag == sections.GLOBAL else f'in <{tag}>'}",
                f"Move it: it belongs in {places}"
                + (f"; a section is written <{name} NAME> ... </{name}>" if name.lower() in sections.TAGS else "")
                if where != (sections.GLOBAL,)
                else "Move it to global level, outside every tag",
            )
            # A VMTA is not defined by a line; judging its arguments as those of another place would mislead.
            return None
        if tag in ("pattern-list", "smtp-pattern-list", "bounce-category-patterns", "mx-rollup-list", "aliases"):
            forms = [
                f"{spec.row.name} {spec.row.value}" for spec in known.values() if spec.name not in ("include", "*")
            ]
            if tag == "bounce-category-patterns":
                forms = ["/regex/ CATEGORY"]
            self.report(
                "unknown-entry",
                self.here(node),
                f"{name[:60]!r} starts no entry of <{tag}>",
                f"Expected: {'; or '.join(forms)}",
            )
            return None
        if name.lower() in sections.TAGS:
            self.report(
                "unknown-directive",
                self.here(node),
                f"{name} is a tag, not a directive",
                f"Write <{name} NAME> ... </{name}>",
            )
            return None
        head = name.partition("=")[0]
        if head != name and head.lower() in specs.places():
            self.report("argument-value", self.here(node), f"no '=' after {head}", f"Write: {head} value")
            return None
        # What is not listed needs no remedy, and looking for one takes long.
        close = specs.nearest(name, tag) if self.reported[ERROR] < MOST_FINDINGS else None
        self.report(
            "unknown-directive",
            self.here(node),
            # What stands behind an equals sign may be a password.
            f"{head[:60]!r} is not a PowerMTA directive",
            f"Did you mean {close}? If not, remove the line"
            if close
            else "Remove the line: much on the web is not PowerMTA's language",
        )
        return None

    def fault(self, spec: specs.Spec, node: Directive, fault: tuple[int, str]) -> None:
        index, message = fault
        args = node.args
        name = spec.name
        if name == "smtp-source-host" and len(args) == 2 and not values.cidr(args[1]) and not values.host(args[0]):
            self.report(
                "source-host-swapped",
                self.here(node, 1),
                f"the host name {args[0]!r} stands before the address {args[1]!r}",
                f"Write: smtp-source-host {args[1]} {args[0]}",
            )
            return
        if name == "domain-key":
            self.report("domain-key-fields", self.here(node, 1 if args else 0), f"domain-key {message}")
            return
        if name == "virtual-mta" and len(args) > 1:
            self.report(
                "pool-weight",
                self.here(node, 2),
                f"{' '.join(args[1:])[:60]!r} after the name: virtual-mta takes one argument",
                f"Write: virtual-mta {args[0]}",
            )
            return
        counted = message.startswith("takes ")
        if name in tokens.SECRETS and not counted:
            message = "takes a value of another form (not shown)"
        if counted and index >= len(args) and node.comment and node.comment[0] not in tokens.SPACE:
            if (self.file, node.line) in self.swallowed:
                return
            self.report(
                "comment-swallows",
                self.here(node, len(args)),
                f"{node.name}: {message}; '#' makes the rest of the line a comment",
                f"Write the value without '#': {name} {spec.row.value}",
                ERROR,
            )
            return
        hint = "" if node.comment is None else "; the rest of the line is a comment"
        self.report(
            "argument-count" if counted else "argument-value",
            self.here(node, min(index + 1, len(args))),
            f"{node.name}: {message}{hint}",
            f"Expected: {spec.row.value if name == '/regex/' else f'{name} {spec.row.value}'}",
        )

    def beyond(self, node: Directive | Section, words: tuple[str, ...]) -> None:
        """Say which regexes were judged by their structure only."""
        for index, word in enumerate(words):
            what = word[:1] == "/" and word[-1:] == "/" and not regexes.fault(word) and regexes.beyond(word)
            if what:
                self.report(
                    "regex-unchecked",
                    self.here(node, index),
                    f"{word[:60]} has {what}: its brackets, groups and repeats were checked;"
                    " whether PCRE compiles the rest and what it matches was not",
                )

    # Sections --------------------------------------------------------------------------------------------------------

    def section(self, node: Section, tag: str, around: tuple[Section, ...]) -> str | None:
        """Judge and remember a section's head; the tag whose directives it holds, None if its lines cannot be judged."""
        key = node.tag.lower()
        rule = sections.TAGS.get(key)
        if rule is None:
            close = specs.nearest(key, "") if self.reported[ERROR] < MOST_FINDINGS else None
            self.report(
                "unknown-section",
                self.here(node),
                f"<{node.tag[:60]}> is not a PowerMTA tag",
                f"Did you mean <{close}>?" if close in sections.TAGS else None,
            )
            return None
        if tag not in rule.parents:
            place = "at global level" if tag == sections.GLOBAL else f"in <{tag}>"
            self.report(
                "section-tag",
                self.here(node),
                f"<{key}> does not belong {place}",
                "Move it to global level"
                if rule.parents == (sections.GLOBAL,)
                else f"It belongs in <{rule.parents[-1]}>",
            )
        if not around and key in _MARKS:
            self.marks.add(key)
        name = node.value
        if self.section_name(node, key, rule, tag, name) and name:
            self.define(node, key, name, around)
        elif not name and rule.once:
            self.once(node, key)
        return key

    def section_name(self, node: Section, key: str, rule: sections.Tag, tag: str, name: str) -> bool:
        if node.lead:
            self.nested_list(node)
            return False
        if rule.name == "none":
            if name:
                self.report("argument-name", self.here(node, 1), f"<{key}> takes no name", f"Write <{key}>")
            return False
        if not name:
            if rule.name == "required" or tag == sections.GLOBAL:
                self.report("argument-name", self.here(node), f"<{key}> needs a name", f"Write <{key} NAME>")
            return False
        if key == "domain":
            self.macros_in(name, node, 1)
            wrong = values.domain_pattern(name)
            if wrong:
                several = len(name.split()) > 1
                self.report(
                    "argument-domain-pattern",
                    self.here(node, 1),
                    f"<domain> takes one pattern, {len(name.split())} given" if several else f"{name[:60]!r} {wrong}",
                )
                return False
            return True
        if node.name[0] != '"' and len(tokens.plain_words(node.name)) > 1:
            if key == "acct-file" and name[0] == "|":
                # Nothing documents it, and nothing says that PowerMTA refuses it.
                self.report(
                    "argument-name",
                    self.here(node, 1),
                    "a command with arguments stands without quotes",
                    f'Write <acct-file "{name}">' if not set(name) & set('"\\') else None,
                    WARNING,
                )
                return True
            self.report("argument-name", self.here(node, 1), f"<{key}> takes one name", f"Write <{key} NAME>")
            return False
        if key in ("smtp-listener", "transmissions-api-listener"):
            wrong = values.listener_address(name)
            if wrong:
                self.report("argument-name", self.here(node, 1), f"{name[:60]!r} {wrong}", f"Write <{key} IP:PORT>")
        elif key == "source" and name[0].isdigit() and ("/" in name or _QUAD.match(name)) and values.cidr(name):
            self.report(
                "argument-name",
                self.here(node, 1),
                f"{name[:60]!r} is not an address or CIDR",
                "Write <source 10.0.0.0/8>",
            )
        elif key == "source" and name[0] == "{" and name.lower() not in _RESERVED_SOURCES:
            self.report("reserved-name", self.here(node, 1), f"source names in braces are reserved: {name[:60]}")
        return True

    def nested_list(self, node: Section) -> None:
        """``mail-from /x/ <pattern-list>``: the condition before an anonymous list."""
        lead = node.lead
        kind = lead[0].lower()
        wanted = 3 if kind == "header" else 2
        if kind not in ("mail-from", "rcpt-to", "header") or len(lead) != wanted:
            self.report(
                "unknown-entry",
                self.here(node),
                f"{' '.join(lead)[:60]!r} is no condition of a nested list",
                "Write mail-from /regex/ <pattern-list>",
            )
            return
        wrong = values.regex(lead[-1])
        if not wrong:
            self.beyond(node, lead)
        else:
            self.report("argument-value", self.here(node), f"{lead[-1][:60]!r} {wrong}", "Expected: /regex/")

    def once(self, node: Section, key: str) -> None:
        place = self.here(node)
        first = self.seen.setdefault((0, key, ""), place)
        if first is not place:
            self.report("duplicate-tag", place, f"<{key}> stands already in line {first.node.line}{_in(first, place)}")

    def define(self, node: Section, key: str, name: str, around: tuple[Section, ...]) -> None:
        if around:
            # Most of a large file: nested <domain> tags. Only two of one name are worth a Place.
            if self.siblings[0] is not around[-1]:
                self.siblings = (around[-1], {})
            first = self.siblings[1].setdefault((key, name.lower()), node)
            if first is not node:
                self.report(
                    "duplicate-tag", self.here(node, 1), f"<{key} {name[:60]}> stands already in line {first.line}"
                )
            return
        place = self.here(node, 1)
        if key in ("virtual-mta", "virtual-mta-pool"):
            other = "virtual-mta-pool" if key == "virtual-mta" else "virtual-mta"
            clash = self.facts.defined.get(other, {}).get(name.lower())
            first = self.facts.define(key, name, place)
            if first or clash:
                known = first or clash
                self.report(
                    "duplicate-name",
                    place,
                    f"{name!r} is already a {'virtual MTA' if known.node.tag.lower() == 'virtual-mta' else 'pool'},"
                    f" defined in line {known.node.line}{_in(known, place)}",
                )
            if key == "virtual-mta-pool":
                holds = any(isinstance(child, Section) and child.tag.lower() == "domain" for child in node.nodes)
                self.facts.pools.setdefault(name.lower(), ([], holds, place))
            return
        first = self.seen.setdefault((0, key, name.lower()), place)
        if first is not place:
            self.report(
                "duplicate-tag",
                place,
                f"<{key} {name[:60]}> stands already in line {first.node.line}{_in(first, place)}",
            )
        self.facts.define(key, name, place)

    # References ------------------------------------------------------------------------------------------------------

    def use(self, kind: str, name: str, node: Directive | Section, index: int = 1) -> None:
        if name:
            self.order += 1
            self.facts.uses.append(Use(kind, name, self.file, node, index, self.order))

    def macros_in(self, text: str, node: Directive | Section, index: int) -> None:
        if "$" in text:
            for name in tokens.MACRO.findall(text):
                self.use("macro", name, node, index)

    def on_vmta(self, node: Directive, around: tuple[Section, ...]) -> None:
        name = node.values[0]
        if name and name.lower() != "by-smtp-source-ip":
            self.use("vmta", name, node)

    def on_member(self, node: Directive, around: tuple[Section, ...]) -> None:
        name = node.values[0] if node.args else ""
        self.use("member", name, node)
        if around:
            pool = self.facts.pools.get(around[-1].value.lower())
            if pool:
                pool[0].append(name.lower())

    def on_entry(self, node: Directive, around: tuple[Section, ...]) -> None:
        if not around or around[-1].tag.lower() != "pattern-list":
            return
        name = node.name.lower()
        start = {"header": 2, "*": 0}.get(name, 1)
        found = values.results(node.args[start:])
        for keyword, value in found if not isinstance(found, str) else ():
            if keyword == "virtual-mta":
                self.use("vmta", value, node, start + 1)
            elif keyword == "call-to":
                self.use("list", value, node, start + 1)

    def on_source(self, node: Directive, around: tuple[Section, ...]) -> None:
        self.use("source", node.values[0], node)
        if around and around[-1].tag.lower() == "smtp-listener":
            self.facts.listeners.append((around[-1].value, node.values[0], self.here(node, 1)))

    def on_listener(self, node: Directive, around: tuple[Section, ...]) -> None:
        if len(node.args) == 2 and node.args[1].lower().startswith("tls="):
            self.report("undocumented", self.here(node, 2), f"{node.args[1]} is not documented")
        elif len(node.args) == 2:
            name = node.args[1].partition("=")[2]
            self.use("source", name, node, 2)
            self.facts.listeners.append((node.args[0], name, self.here(node, 2)))

    def on_pattern_list(self, node: Directive, around: tuple[Section, ...]) -> None:
        self.use("pattern-list", node.values[0], node)
        if around:
            place = self.here(node)
            first = self.seen.setdefault((id(around[-1]), "uses-pattern-list", ""), place)
            if first is not place:
                self.report(
                    "pattern-list-twice", place, f"this source has a pattern-list already, in line {first.node.line}"
                )

    def on_key(self, node: Directive, around: tuple[Section, ...]) -> None:
        selector, domain, path = values.items(node.args)
        place = self.here(node, 1)
        self.facts.keys.append(Key(selector.lower(), domain.lower(), path, place))
        if "." in selector:
            related = domain == selector or domain.endswith("." + selector) or selector.endswith("." + domain)
            if related or (domain == "*" and selector.rpartition(".")[2].isalpha()):
                self.report(
                    "domain-key-selector",
                    place,
                    f"{selector!r} is a domain and stands where the selector belongs",
                    f"Write domain-key SELECTOR,{selector if domain == '*' else domain},{path}",
                )
            else:
                self.report("domain-key-dotted-selector", place, f"the selector {selector!r} has a dot")
        scope = (id(around[-1]) if around else 0, "key-for-all", "")
        if domain == "*":
            self.seen.setdefault(scope, place)
        elif scope in self.seen:
            line = self.seen[scope].node.line
            self.report("domain-key-order", place, f"never used: the key for * in line {line} is found first")

    def on_macro(self, node: Directive, around: tuple[Section, ...]) -> None:
        name = node.args[0]
        inside = []
        for word in node.args[1:]:
            inside += tokens.MACRO.findall(word)
        place = self.here(node, 1)
        if name.lower() in self.facts.macros:
            first = self.facts.macros[name.lower()][1]
            self.report(
                "duplicate-tag",
                place,
                f"domain-macro {name} is already defined in line {first.node.line}{_in(first, place)}",
            )
            return
        self.facts.macro_items[name.lower()] = [item.lower() for item in values.items(node.args[1:]) if item]
        self.facts.macros[name.lower()] = ([other.lower() for other in inside], place)
        for other in inside:
            self.use("macro", other, node, 1)

    def on_pattern(self, node: Directive, around: tuple[Section, ...]) -> None:
        self.macros_in(node.args[0], node, 1)

    def on_address(self, node: Directive, around: tuple[Section, ...]) -> None:
        self.facts.addressed.add(around[-1].value.lower() if around else "")
        if node.name.lower() == "use-proxy":
            for name in values.items(node.args):
                self.use("proxy", name, node)

    def on_rate(self, node: Directive, around: tuple[Section, ...]) -> None:
        if node.args[0][:2] != "0/":
            return
        lines = around[-1].nodes if around else ()
        # One that hands its mail to a host of its own choice may be stopped on purpose.
        if not any(isinstance(line, Directive) and line.name.lower() == "smtp-hosts" for line in lines):
            self.report(
                "rate-zero", self.here(node, 1), f"{node.name} {node.args[0]} sends nothing until somebody changes it"
            )

    def on_spool(self, node: Directive, around: tuple[Section, ...]) -> None:
        self.facts.spools += 1


def _in(first: Place, second: Place) -> str:
    return "" if first.file == second.file else f" of {first.file}"


def _reference(kind: str) -> Callable:
    return lambda linter, node, around: linter.use(kind, node.values[0], node)


def _references(kind: str) -> Callable:
    def handler(linter: _Linter, node: Directive, around: tuple[Section, ...]) -> None:
        for name in values.items(node.args):
            linter.use(kind, name, node)

    return handler


_ALSO_FAULTY = frozenset((_Linter.on_address, _Linter.on_member))
_RESERVED_SOURCES = frozenset(("{auth}", "{pickup}", "{transmissions-api}"))
_HANDLERS: dict[str, Callable[[_Linter, Directive, tuple[Section, ...]], None]] = {
    "default-virtual-mta": _Linter.on_vmta,
    "invalid-virtual-mta-fallback": _Linter.on_vmta,
    "cold-virtual-mta": _Linter.on_vmta,
    "reroute-to-virtual-mta": _Linter.on_vmta,
    "backoff-reroute-to-virtual-mta": _Linter.on_vmta,
    "virtual-mta": _Linter.on_member,
    "mail-from": _Linter.on_entry,
    "rcpt-to": _Linter.on_entry,
    "header": _Linter.on_entry,
    "*": _Linter.on_entry,
    "source": _Linter.on_source,
    "smtp-listener": _Linter.on_listener,
    "pattern-list": _Linter.on_pattern_list,
    "smtp-pattern-list": _reference("smtp-pattern-list"),
    "source-group": _reference("source-group"),
    "rewrite-list": _reference("rewrite-list"),
    "suppression-lists": _references("address-list"),
    "use-proxy": _Linter.on_address,
    "smtp-source-host": _Linter.on_address,
    "smtp-source-ip": _Linter.on_address,
    "smtp-proxy-source-host": _Linter.on_address,
    "auto-cold-virtual-mta": _Linter.on_address,
    "domain-key": _Linter.on_key,
    "domain-macro": _Linter.on_macro,
    "relay-domain": _Linter.on_pattern,
    "mx-connection-limit": _Linter.on_pattern,
    "from-domain": _Linter.on_pattern,
    "spool": _Linter.on_spool,
    "max-msg-rate": _Linter.on_rate,
    "max-smtp-msg-rate": _Linter.on_rate,
    "max-connect-rate": _Linter.on_rate,
    "backoff-max-msg-rate": _Linter.on_rate,
}
