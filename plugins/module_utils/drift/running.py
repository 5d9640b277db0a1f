# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PowerMTA says of itself against what is wanted, and whether the file on disk would mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..pmta_cli import DisabledSource, Listing
from ..pmta_config.directives import rows
from ..pmta_config.effective import Effective
from .difference import Difference, Unknown, difference, unknown
from .outline import Outline
from .questions import SETTINGS, Question
from .values import folded, hidden, shown

# Documented defaults of what would send too much, or elsewhere, when somebody sets it: found only if another value is printed.
_QUEUE_DEFAULTS = {
    "max-msg-rate": "unlimited", "max-smtp-out": "20", "smtp-hosts": "", "queue-to": "", "route": "", "dkim-sign": "no",
    "require-starttls": "no", "use-starttls": "yes", "bounce-after": "4d12h", "disable-mx-rollup": "no", "smtp-pattern-list": "",
    "backoff-to-normal-after": "never", "auth-username": "", "type": "smtp",
}  # fmt: skip
_VMTA_DEFAULTS = {
    "max-smtp-msg-rate": "unlimited",
    "max-smtp-out": "unlimited",
    "host-name": "",
    "smtp-source-host": "",
}
_NOTHING = frozenset(("", "0", "none", "unlimited", "-"))
# So many known directives make an answer a list of settings.
_ENOUGH = 2
# Of queues with one and the same difference, so many are named.
_NAMED = 5
_TOLD_APART = 5


def compare_vmtas(listing: Listing, wanted: Iterable[str], on_disk: Iterable[str]) -> list[Difference]:
    """Names of virtual MTAs. on_disk: those of the file."""
    known = {row.name.lower(): row for row in listing.rows}
    asked, file = {name.lower(): name for name in wanted}, {name.lower() for name in on_disk}
    result = []
    for name in sorted(asked.keys() - known):
        load = "The file on disk has it: pmta reload" if name in file else None
        result.append(difference("vmta-missing", "virtual MTA", asked[name], "running", None, load))
    for name in sorted(known.keys() - asked - {"{default}"}):
        load = (
            None
            if name in file
            else "The file on disk does not have it. Mail in it is bounced when it goes (5.3.5): see pmta show vmtas, then pmta reload"
        )
        found = f"running, {known[name].recipients} recipients wait in it"
        result.append(difference("vmta-extra", "virtual MTA", known[name].name, None, found, load))
    return result


class Settings:
    """Answers to the questions, gathered before they are judged: a directive that one answer names is missing in another.

    wanted, on_disk: the two configurations; on_disk is None when the file cannot be read.
    """

    def __init__(self, wanted: tuple[Outline, Effective], on_disk: tuple[Outline, Effective] | None):
        self.wanted, self.on_disk = wanted, on_disk
        self.answers: list[tuple[Question, Mapping[str, Sequence[str]]]] = []
        self._known = {row.name for row in rows()}

    def take(self, question: Question, answer: Mapping[str, Sequence[str]]) -> bool:
        """Whether the answer was a list of settings."""
        if sum(name in self._known for name in answer) < (_ENOUGH if question.subcommand == SETTINGS else 1):
            return False
        self.answers.append((question, answer))
        return True

    def judge(self) -> tuple[list[Difference], list[Unknown]]:
        named: dict[str, set[str]] = {}
        for question, answer in self.answers:
            named.setdefault(question.subcommand, set()).update(answer)
        same: dict[tuple, list[str]] = {}
        unnamed: dict[tuple[str, str], list[str]] = {}
        for question, answer in self.answers:
            wanted = _says(self.wanted, question)
            file = _says(self.on_disk, question) if self.on_disk else None
            for name in sorted({*wanted, *(name for name in _defaults(question) if name in answer)}):
                asked, found = wanted.get(name), tuple(answer.get(name, ()))
                if (
                    not found
                    and asked
                    and any(asked)
                    and name not in named[question.subcommand]
                    and name != "smtp-hosts"
                ):
                    unnamed.setdefault((question.subcommand, name), []).append(question.argument)
                elif not _equal(name, asked, found, question):
                    kind = _cause(name, asked, found, file, question)
                    key = (kind, name, _show(name, asked) or "the default", _show(name, found), question.subcommand)
                    same.setdefault(key, []).append(question.argument)
        differences = [
            difference(kind, name, _places(places, subcommand), wanted, found)
            for (kind, name, wanted, found, subcommand), places in same.items()
        ]
        unknowns = [
            unknown(
                "unreadable-settings" if sub == SETTINGS else "unreadable-rates",
                f"pmta show {sub}",
                f"no answer names {name}",
            )
            for sub, name in unnamed
        ]
        return differences, unknowns


def _says(config: tuple[Outline, Effective], question: Question) -> dict[str, tuple[str, ...]]:
    """What a configuration says to a question: directive -> values of its lines."""
    outline, effective = config
    if question.subcommand == SETTINGS:
        return dict(effective.settings(question.domain, question.vmta))
    found: dict[str, tuple[str, ...]] = {}
    for part in outline.parts.values():
        if part.tag == "virtual-mta" and part.value.lower() == question.vmta.lower():
            for line in part.lines:
                if line.name != "include":
                    found[line.name] = (*found.get(line.name, ()), " ".join(line.values))
    for part in outline.named("virtual-mta-pool").values():
        members = {line.values[0].lower() for line in part.lines if line.name == "virtual-mta" and line.values}
        if question.vmta.lower() in members:
            for line in part.lines:
                if line.name in _VMTA_DEFAULTS:
                    found.setdefault(line.name, (" ".join(line.values),))
    return found


def _defaults(question: Question) -> dict[str, str]:
    return _QUEUE_DEFAULTS if question.subcommand == SETTINGS else _VMTA_DEFAULTS


def _equal(name: str, wanted: Sequence[str] | None, found: Sequence[str], question: Question) -> bool:
    if wanted is None:
        default = _defaults(question)[name]
        if not default:
            return all(not value.strip('"').strip() or value.lower() in _NOTHING for value in found)
        return all(folded(name, value) == folded(name, default) or _is_nothing(value, default) for value in found)
    if not any(wanted) and not any(value.strip('"') for value in found):
        return True
    return _bag(name, wanted) == _bag(name, found)


def _is_nothing(value: str, default: str) -> bool:
    return default in _NOTHING and value.lower() in _NOTHING


def _bag(name: str, values: Sequence[str]) -> list:
    return sorted(repr(folded(name, value)) for value in values)


def _cause(
    name: str, wanted: Sequence[str] | None, found: Sequence[str], file: Mapping | None, question: Question
) -> str:
    if file is None:
        return "setting-other"
    if _equal(name, file.get(name), found, question):
        return "setting-from-file"
    if file.get(name) == wanted or wanted and name in file and _bag(name, file[name]) == _bag(name, wanted):
        return "setting-not-loaded"
    return "setting-other"


def _show(name: str, values: Sequence[str] | None) -> str | None:
    if not values:
        return None
    return shown(name, ()) if hidden(name) else "; ".join(shown(name, (value,)) for value in values)


def _places(places: list[str], subcommand: str) -> str:
    kind = "queue" if subcommand == SETTINGS else "virtual MTA"
    more = f" and {len(places) - _NAMED} more of those asked" if len(places) > _NAMED else ""
    return f"{kind} {', '.join(places[:_NAMED])}{more}"


def extra_pauses(paused: Iterable[str], stopped: Iterable[str]) -> list[Difference]:
    """Queues (domain/VMTA) that are paused and that nobody recorded as stopped."""
    held = {name.lower() for name in stopped}
    by_vmta: dict[str, list[str]] = {}
    for queue in paused:
        vmta = queue.rpartition("/")[2]
        if vmta.lower() not in held:
            by_vmta.setdefault(vmta, []).append(queue)
    return _pauses("pause-extra", by_vmta, "running", "paused", "resume")


def missing_pauses(waiting: Iterable[str], paused: Iterable[str], stopped: Iterable[str]) -> list[Difference]:
    """Queues with mail, of stopped virtual MTAs, that are not paused."""
    held, quiet = {name.lower() for name in stopped}, {queue.lower() for queue in paused}
    by_vmta: dict[str, list[str]] = {}
    for queue in waiting:
        vmta = queue.rpartition("/")[2]
        if vmta.lower() in held and queue.lower() not in quiet:
            by_vmta.setdefault(vmta, []).append(queue)
    return _pauses("pause-missing", by_vmta, "paused", "not paused", "pause")


def _pauses(kind: str, by_vmta: Mapping[str, list[str]], wanted: str, found: str, command: str) -> list[Difference]:
    result = []
    for vmta, queues in sorted(by_vmta.items()):
        one = difference(kind, "queue", "", wanted, found)
        if len(queues) <= _TOLD_APART:
            result += [
                one._replace(where=queue, remedy=f"{one.remedy}: pmta {command} queue '{queue}'")
                for queue in sorted(queues)
            ]
            continue
        where = f"{len(queues)} queues of {vmta}, such as {', '.join(sorted(queues)[:_NAMED])}"
        result.append(one._replace(where=where, remedy=f"{one.remedy}: pmta {command} queue '*/{vmta}'"))
    return result


def disabled_sources(sources: Iterable[DisabledSource]) -> list[Difference]:
    """Nobody records disabled sources, so each one is a difference."""
    result = []
    for one in sources:
        found = difference(
            "source-disabled", f"source {one.ip}", f"queue {one.queue}", "enabled", f"disabled{_until(one)}"
        )
        result.append(found._replace(remedy=f"{found.remedy}: pmta enable source {one.ip} '{one.queue}'"))
    return result


def _until(source: DisabledSource) -> str:
    return f" ({source.rest})" if source.rest else ""
