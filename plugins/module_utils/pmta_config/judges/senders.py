# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who sends as whom: patterns that match more senders than meant, and feeders that may choose."""

from __future__ import annotations

import re

from .. import values
from ..facts import Facts, Held, Line, at
from ..finding import WARNING, Report, Rule

RULES = {
    "sender-pattern-unanchored": Rule(
        WARNING,
        "Patterns match anywhere in the text: without an anchor a longer name matches too, and its mail leaves under another"
        " sender's identity.",
        "Anchor the address: /^name@example\\.com$/, /@example\\.com$/, in a header /(^|<)name@example\\.com\\s*>?\\s*$/",
    ),
    "sender-pattern-dot": Rule(
        WARNING, "A dot in a regex is any character, so another domain matches too.", "Write the dot as \\."
    ),
    "rcpt-to-first-decides": Rule(
        WARNING,
        "With several recipients in one message the first rcpt-to that matches chooses the virtual MTA for all of them.",
        "Have the feeder send one recipient per message (max-rcpt-per-message 1 in the source), or choose by sender",
    ),
    "x-virtual-mta-any": Rule(
        WARNING,
        "Whoever may set X-Virtual-MTA chooses any virtual MTA, those of the other feeders too: one tenant can send from another's"
        " addresses, with another's keys.",
        "Set process-x-virtual-mta no, and choose with a pattern-list or default-virtual-mta",
    ),
    "x-virtual-mta-leak": Rule(
        WARNING,
        "The header names your virtual MTAs to every receiver where it is not processed, or retained.",
        "Add remove-header X-Virtual-MTA, and no retain-x-virtual-mta",
    ),
    "origin-hidden": Rule(
        WARNING,
        "Removing Received headers hides where mail came from. Receivers count that against a sender, and nobody can trace abuse.",
        "Remove the line; receivers expect the headers",
    ),
}

_ADDRESS_HEADERS = frozenset(("from", "sender", "reply-to", "return-path", "resent-from"))
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
# A literal name or domain right at the start or end of the regex. An unescaped dot is one of the other rule's.
_NAME_FIRST = re.compile(r"/[A-Za-z0-9](?:[A-Za-z0-9_-]|\\?[.+])*@")
_DOMAIN_FIRST = re.compile(r"/(?:\\b)?[A-Za-z0-9-]+(?:\\?\.[A-Za-z0-9-]+)+(?:[$/)]|\\[bszZ])")
_DOMAIN_LAST = re.compile(r"@[^@]*[A-Za-z0-9)](?:\\b)?/\Z")
_ENDS = re.compile(r"\\[szZ]|[$>]")
_SOURCE_CHOICES = ("default-virtual-mta", "pattern-list")


def judge(facts: Facts, report: Report) -> None:
    for held in facts.held("pattern-list"):
        patterns(held, report)
    recipients(facts, report)
    choosers(facts, report)
    hidden(facts, report)


def sender_pattern(line: Line) -> tuple[int, str] | None:
    """(index, regex) of an entry about an address: of the sender, or of the recipient."""
    name, node, _file = line
    args = node.args
    if name in ("mail-from", "rcpt-to") and args:
        return 1, args[0]
    if name == "header" and len(args) > 1 and args[0].lower() in _ADDRESS_HEADERS:
        return 2, args[1]
    return None


def patterns(held: Held, report: Report) -> None:
    for line in held.lines:
        found = sender_pattern(line)
        if found is None:
            continue
        index, regex = found
        bare = _CLASS.sub("_", regex) if "[" in regex else regex
        if "." in bare.replace("\\.", "") and _unescaped_dot(bare):
            report("sender-pattern-dot", at(line, index), f"a dot in {regex[:60]} is not escaped")
        if line[0] == "rcpt-to":
            continue
        name = _NAME_FIRST.match(bare) is not None
        domain = "@" not in bare and _DOMAIN_FIRST.match(bare) is not None
        domain = domain or (_DOMAIN_LAST.search(bare) is not None and not _ENDS.search(bare[bare.rindex("@") :]))
        if name or domain:
            what = "local part" if name else "domain"
            report("sender-pattern-unanchored", at(line, index), f"{regex[:60]}: a longer {what} matches too")


_UNESCAPED = re.compile(r"(?:\\.)|(?P<dot>(?<=[A-Za-z0-9])\.(?=[A-Za-z0-9]))", re.DOTALL)


def _unescaped_dot(regex: str) -> bool:
    return any(found["dot"] for found in _UNESCAPED.finditer(regex))


def recipients(facts: Facts, report: Report) -> None:
    """A list that chooses by recipient, for feeders that may name several in one message."""
    users: dict[str, list[Held]] = {}
    for source in facts.held("source"):
        for line in source.all("pattern-list"):
            users.setdefault((line[1].values or ("",))[0].lower(), []).append(source)
    for held in facts.held("pattern-list"):
        if held.node.lead or not held.name:
            continue
        first = next((line for line in held.all("rcpt-to") if chosen_vmta(line)), None)
        single = users.get(held.name) and all(
            source.value("max-rcpt-per-message") == "1" for source in users[held.name]
        )
        if first and not single:
            report(
                "rcpt-to-first-decides",
                at(first),
                f"{held.node.value} chooses the virtual MTA by recipient, and messages may have several",
            )


def chosen_vmta(line: Line) -> str | None:
    """The virtual MTA that an entry leads to, lower case."""
    start = {"header": 2, "*": 0}.get(line[0], 1)
    found = values.results(line[1].args[start:])
    return (
        None if isinstance(found, str) else next((value.lower() for key, value in found if key == "virtual-mta"), None)
    )


def choosers(facts: Facts, report: Report) -> None:
    """Sources that may choose any virtual MTA beside sources that have others, and headers that stay in the mail."""
    sources = facts.held("source")
    base = next(
        (source for source in sources if values.network(source.name) and source.name.partition("/")[2] == "0"), None
    )
    choices = {id(source): frozenset(_choices(source)) for source in sources}
    # Two that differ are enough: one of them is another than a source's own.
    differing = [choice for choice in dict.fromkeys(choices.values()) if choice][:2]
    for source in sources:
        others = [choice for choice in differing if choice != choices[id(source)]]
        if others and source.yes("process-x-virtual-mta"):
            report(
                "x-virtual-mta-any",
                at(source.last("process-x-virtual-mta")),
                f"this source may choose any virtual MTA, also those of {min(others[0])[1]!r}",
            )
    for source in sources:
        if source.yes("process-x-virtual-mta"):
            if source.yes("retain-x-virtual-mta"):
                report("x-virtual-mta-leak", at(source.last("retain-x-virtual-mta")), "X-Virtual-MTA stays in the mail")
            continue
        off = source.last("process-x-virtual-mta")
        relays = source.yes("always-allow-relaying") or source.yes("require-auth") or source.yes("allow-auth")
        if off is None or not relays or _removes(source) or (base is not None and _removes(base)):
            continue
        report("x-virtual-mta-leak", at(off), "X-Virtual-MTA is neither processed nor removed")


def _choices(source: Held) -> list[tuple[str, str]]:
    """How a source finds its virtual MTA: (directive, name) pairs."""
    return [(line[0], (line[1].values or ("",))[0].lower()) for line in source.all(*_SOURCE_CHOICES)]


def _removes(source: Held) -> bool:
    return any(
        item.lower() == "x-virtual-mta" for line in source.all("remove-header") for item in values.items(line[1].args)
    )


def hidden(facts: Facts, report: Report) -> None:
    for source in (*facts.held("source"), *facts.held("domain")):
        for name in ("hide-message-source", "remove-received-headers"):
            if source.yes(name):
                report("origin-hidden", at(source.last(name)), f"{name} takes the trace out of the mail")
        for line in source.all("remove-header"):
            if any(item.lower() == "received" for item in values.items(line[1].args)):
                report("origin-hidden", at(line), "remove-header takes the Received headers out of the mail")
