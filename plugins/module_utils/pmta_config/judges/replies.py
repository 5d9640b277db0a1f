# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What receivers' replies set off: backoff that never ends, sources that stay disabled, patterns that hit the wrong replies."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .. import regexes, values
from ..facts import Facts, Held, Line, at
from ..finding import WARNING, Report, Rule
from .scopes import Scopes

RULES = {
    "backoff-sticky": Rule(
        WARNING,
        "backoff-to-normal-after is never by default: a queue that one reply put into backoff stays slow until somebody notices or"
        " PowerMTA is restarted.",
        "Add backoff-to-normal-after, such as 4h, beside the smtp-pattern-list",
    ),
    "source-disabled-sticky": Rule(
        WARNING,
        "reenable-source-ip-after is never by default: an address that one reply disabled does not send to this queue again until"
        " somebody enables it.",
        "Write disable-source-ip,reenable-after=1h, or set reenable-source-ip-after",
    ),
    "backoff-broad": Rule(
        WARNING,
        "The pattern hits replies about a single recipient, such as an unknown user: one bad address throws the whole queue into"
        " backoff.",
        "Match the words by which the receiver tells of its limits; handle recipients above it with bounce-rcpt",
    ),
    "bounce-queue-broad": Rule(
        WARNING,
        "bounce-queue destroys the whole queue. The pattern hits replies about a single recipient, so one bad address bounces"
        " everybody's mail.",
        "Use bounce-rcpt, or match only replies that hold for every recipient",
    ),
}

# Ordinary replies about one recipient, as receivers give them; none is a reason to slow down or give up a whole queue.
SAMPLES = (
    "550 5.1.1 User unknown",
    "550 5.1.1 <u@qzx.test>: Recipient address rejected: User unknown in virtual mailbox table",
    "550-5.1.1 The email account that you tried to reach does not exist. Please try",
    "550 No such user here",
    "550 5.1.1 Unknown user",
    "550 5.1.1 No such recipient here",
    "550 5.1.1 Invalid recipient <u@qzx.test>",
    "550 5.1.1 Recipient rejected: user not found",
    "550 5.5.0 Requested action not taken: mailbox unavailable",
    "550 5.1.1 No mailbox here by that name",
    "550 Unrouteable address",
    "550 5.1.1 Not our customer",
    "550 5.2.1 The email account that you tried to reach is disabled",
    "550 5.2.1 This account has been disabled",
    "550 5.2.1 The account is inactive",
    "552 5.2.2 mailbox full",
    "452 4.2.2 Mailbox is full",
    "552-5.2.2 The email account that you tried to reach is over quota",
    "552 5.2.2 Quota exceeded",
    "452 4.2.2 The recipient's inbox is out of storage space",
    "450 4.2.0 <u@qzx.test>: Recipient address rejected: Greylisted",
    "452 4.5.3 Error: too many recipients",
    "554 5.7.1 <u@qzx.test>: Relay access denied",
)


def judge(facts: Facts, report: Report, scopes: Scopes) -> None:
    lists = {held.name: held for held in reversed(facts.held("smtp-pattern-list"))}
    entries = {name: _entries(held) for name, held in lists.items()}
    sticky(facts, report, scopes, entries)
    for held in facts.held("smtp-pattern-list"):
        broad(_entries(held), report)


def _entries(held: Held) -> list[tuple[Line, str, dict[str, str]]]:
    """(line, regex, actions) of a list."""
    found = []
    for line in held.all("reply"):
        acts = values.actions(line[1].args[1:])
        if not isinstance(acts, str):
            found.append((line, line[1].args[0], dict(acts)))
    return found


def _never(line: Line | None) -> bool:
    return line is None or (line[1].values or ("",))[0].lower() in ("never", "")


def sticky(facts: Facts, report: Report, scopes: Scopes, entries: dict) -> None:
    """A list whose action has no end, where neither it nor the <domain> that uses it names one."""
    if not facts.complete:
        return
    told: set[str] = set()
    stuck: dict[int, tuple[Line, str]] = {}
    for held in facts.held("domain"):
        using = held.last("smtp-pattern-list")
        ends = held.last("backoff-to-normal-after")
        back = held.last("reenable-source-ip-after")
        if using is None and ends is None and back is None:
            continue
        listed = using or scopes.inherited(held, "smtp-pattern-list")
        rules = entries.get((listed[1].values or ("",))[0].lower(), ()) if listed else ()
        if not rules:
            continue
        place = using or ends or back
        exits = not _never(scopes.inherited(held, "backoff-to-normal-after"))
        after = scopes.inherited(held, "backoff-to-normal-after-delivery")
        exits = exits or (after is not None and (after[1].values or ("",))[0].lower() in ("yes", "true"))
        exits = exits or any(acts.get("mode") == "normal" for _line, _regex, acts in rules)
        name = (listed[1].values or ("",))[0]
        if not exits and name.lower() not in told:
            held_back = [
                line
                for line, _regex, acts in rules
                if acts.get("mode") == "backoff" and acts.get("backoff-to-normal-after", "never") == "never"
            ]
            if held_back:
                told.add(name.lower())
                report(
                    "backoff-sticky",
                    at(place, 1),
                    f"{name} starts backoff (line {held_back[0][1].line}), and nothing ends it",
                )
        if _never(scopes.inherited(held, "reenable-source-ip-after")):
            for line, _regex, acts in rules:
                if "disable-source-ip" in acts and acts.get("reenable-after", "never") == "never":
                    stuck.setdefault(id(line[1]), (line, held.node.value))
    for line, domain in stuck.values():
        report("source-disabled-sticky", at(line), f"nothing enables the address again for <domain {domain}>")


def broad(rules: list[tuple[Line, str, dict[str, str]]], report: Report) -> None:
    """Try each sample on the list: the first entry that matches decides."""
    open_samples, text = list(SAMPLES), _text(SAMPLES)
    for line, regex, acts in rules:
        possible = _possible(regex, open_samples, text)
        search = regexes.searcher(regex) if possible else None
        hit = [sample for sample in possible if search(sample)] if search else ()
        if not hit:
            continue
        open_samples = [sample for sample in open_samples if sample not in hit]
        text = _text(open_samples)
        told = f"{regex[:60]} matches {hit[0]!r}" + (
            f" and {len(hit) - 1} more replies about one recipient" if hit[1:] else ""
        )
        if "bounce-queue" in acts:
            report("bounce-queue-broad", at(line, 1), told)
        elif acts.get("mode") == "backoff" or "disable-source-ip" in acts or "defer-queue" in acts:
            report("backoff-broad", at(line, 1), told)
        if not open_samples:
            return


# Where plain text may stand for something else: literal runs, names, back references, blanks that count for nothing.
_NOT_PLAIN = re.compile(r"\\[0-9cCEgklLNopPQuU]|\(\?[a-wyzA-Z^-]*x")
_SIGNS = re.compile(r"\\x(?:\{[0-9a-f]*\}|[0-9a-f]{0,2})|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_COUNTS = re.compile(r"\{[0-9,]*\}")
_INNERMOST = re.compile(r"\((?:\?:)?(?P<content>[^()]*)\)(?P<optional>[?*{])?")
# Text that must be there: no sign with a meaning in it, and no repeat right behind it.
_RUN = re.compile(r"[a-z0-9 ,:;<>@'-]{2,}(?![?*{])")
_LOWER = {sample: sample.lower() for sample in SAMPLES}


def _text(samples: Iterable[str]) -> str:
    return "\n".join(_LOWER[sample] for sample in samples)


def _group(found: re.Match, text: str) -> str:
    """What stands for a group: \\1 where it is needed and none of its alternatives is in any sample, else \\0."""
    optional = found["optional"] or ""
    # Behind (? there may be a condition that must not hold.
    if optional or found["content"][:1] == "?":
        return "\0" + optional
    for branch in found["content"].split("|"):
        if "\1" not in branch and all(run in text for run in _RUN.findall(branch)):
            return "\0"
    return "\1"


def _possible(regex: str, samples: list[str], text: str) -> list[str]:
    """The samples that hold all plain text of one alternative. Spares compiling: a list may have thousands of patterns.

    text: what all of them say, lower case.
    """
    if len(regex) > regexes.LONGEST or _NOT_PLAIN.search(regex):
        return samples
    body = regex[1:-1].lower()
    if "\\" in body or "[" in body:
        body = _SIGNS.sub("\0", body)
    if "{" in body:
        body = _COUNTS.sub("{}", body)
    while "(" in body:
        shorter = _INNERMOST.sub(lambda found: _group(found, text), body)
        if shorter == body:
            return samples
        body = shorter
    found: set[str] = set()
    for branch in body.split("|"):
        runs = _RUN.findall(branch)
        if not runs and "\1" not in branch:
            return samples
        if "\1" not in branch and all(run in text for run in runs):
            found.update(sample for sample in samples if all(run in _LOWER[sample] for run in runs))
    return [sample for sample in samples if sample in found] if found else []
