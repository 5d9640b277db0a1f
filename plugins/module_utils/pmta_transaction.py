# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the transactional apply: what the header says, what moves it, which stops hold, what a restore puts back.

Layout of the state directory, shared with ``email-engine-recover`` and ``email-engine-stops``:

- ``converge.lock``: held (flock) by a running apply; its text says who holds it.
- ``pending``: present while files are written but not proven. One line per file, tab separated:
  ``restore COPY TARGET`` or ``remove TARGET``.
- ``last-good/``: the copies that ``pending`` names.
- ``recovered``: what a start of the service put back; the next apply reports and removes it.
- ``fleet.json``: the fleet document as applied.
- ``stops.json``: ``{"version": 1, "declared": [VMTA...], "runtime": [VMTA...] or {VMTA: about it}}``; read and written under ``stops.lock``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from .pmta_config import ERROR, Finding, Section, embedded, parse
from .pmta_config.tokens import SECRETS
from .problems import FleetError, Problem

LOCK = "converge.lock"
PENDING = "pending"
LAST_GOOD = "last-good"
RECOVERED = "recovered"
FLEET = "fleet.json"
STOPS = "stops.json"
STOPS_LOCK = "stops.lock"

_HEADER = re.compile(r"# generation (\d+) sha256 ([0-9a-f]{64})\b[^\n]*\n")
_NAME = re.compile(r"[^\s/*?\[\]\"'\\#<>,]+\Z")
_SECRET_LINE = re.compile(
    rf"^(?P<name>[ \t]*(?:{'|'.join(sorted(SECRETS))})[ \t]+)(?P<value>[^\r\n]+)", re.IGNORECASE | re.MULTILINE
)


class Header(NamedTuple):
    """First line of an applied file. sha256 is that of the body below it; 0 and "" for a file this module did not write."""

    generation: int
    sha256: str
    body: str

    @property
    def drifted(self) -> bool:
        """Somebody edited the body since it was applied."""
        return bool(self.sha256) and self.sha256 != digest(self.body)


def digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogateescape")).hexdigest()


def read_header(text: str) -> Header:
    found = _HEADER.match(text)
    if not found:
        return Header(0, "", text)
    return Header(int(found.group(1)), found.group(2), text[found.end() :])


def with_header(generation: int, body: str) -> str:
    return f"# generation {generation} sha256 {digest(body)} of what follows; written by email_engine.fleet, edits are overwritten\n{body}"


class Plan(NamedTuple):
    """What one apply does. text: the whole new file, None if it stays; generation and sha256: those the file then has."""

    text: str | None
    generation: int
    sha256: str
    drifted: bool


def plan(current: str | None, content: str, secrets_changed: bool) -> Plan:
    """The header moves only when the body or the secrets do: the same input twice is no change."""
    body = content if content.endswith("\n") or not content else content + "\n"
    header = read_header(current or "")
    if current is not None and header.body == body and header.sha256 == digest(body) and not secrets_changed:
        return Plan(None, header.generation, header.sha256, False)
    generation = header.generation + 1
    return Plan(with_header(generation, body), generation, digest(body), header.drifted)


def masked(text: str) -> str:
    """A configuration for a diff: passwords and keys in it are not shown."""
    return embedded.masked(_SECRET_LINE.sub(r"\g<name>(not shown)", text), "(not shown)")


def refusals(findings: Iterable[Finding], secrets_path: str) -> list[Problem]:
    """The errors among them. Of the secrets file only the line and the rule are told."""
    problems = []
    for found in findings:
        if found.severity != ERROR:
            continue
        what, remedy = f"{found.rule}: {found.message}", found.remedy
        if found.file == secrets_path:
            what, remedy = f"{found.rule}: this line is not valid (not shown)", "Correct the value in the vault"
        problems.append(Problem(f"{found.file}:{found.line}", what, remedy))
    return problems


def virtual_mtas(text: str) -> set[str]:
    """Names of the virtual MTAs a file defines, as PowerMTA prints them."""
    return {
        node.value
        for node in parse(text).nodes
        if isinstance(node, Section) and node.tag.lower() == "virtual-mta" and node.value
    }


def removal_refusals(old: str | None, new: str, queued: dict[str, int] | None) -> list[Problem]:
    """Virtual MTAs that go while mail waits in them: PowerMTA bounces that mail (5.3.5).

    queued: recipients per virtual MTA, None if PowerMTA was asked and the answer could not be read.
    """
    kept = {name.lower() for name in virtual_mtas(new)}
    gone = sorted(name for name in virtual_mtas(old or "") if name.lower() not in kept)
    if queued is None:
        what = (
            f"no readable answer, so nobody knows if mail waits in {', '.join(gone)}, which the new configuration drops"
        )
        remedy = "Bring PowerMTA into a state in which it answers, then apply again"
        return [Problem("pmta show vmtas", what, remedy)] if gone else []
    waiting = {name.lower(): number for name, number in queued.items() if number}
    return [
        Problem(
            f"virtual MTA {name}",
            f"the new configuration drops it while {waiting[name.lower()]} recipients wait in it; PowerMTA would bounce them (5.3.5)",
            f"Keep it until its queue is empty, or delete that mail: pmta delete --queue='*/{name}'",
        )
        for name in gone
        if name.lower() in waiting
    ]


# Stops -----------------------------------------------------------------------------------------------------------------


class Stops(NamedTuple):
    """Virtual MTAs that must not send: declared by the fleet document, runtime stopped by hand or by a check."""

    declared: tuple[str, ...]
    runtime: tuple[str, ...]
    record: dict

    @property
    def held(self) -> tuple[str, ...]:
        return tuple(sorted({*self.declared, *self.runtime}))


def read_stops(text: str | None) -> Stops:
    """The record as it is on disk; raises FleetError if it is damaged, because an unreadable stop is not a lifted one."""
    if text is None:
        return Stops((), (), {"version": 1, "declared": [], "runtime": []})
    try:
        record = json.loads(text)
        declared = tuple(stop_names(record.get("declared", [])))
        runtime = tuple(stop_names(record.get("runtime", [])))
    except (ValueError, AttributeError, TypeError) as error:
        raise FleetError(
            [
                Problem(
                    STOPS,
                    f"the record of stopped virtual MTAs cannot be read ({error})",
                    "Repair the file: what it stopped must stay stopped",
                )
            ]
        ) from error
    return Stops(declared, runtime, record)


def stop_names(names: Iterable[str]) -> list[str]:
    """Checked names; one with a wildcard would pause or resume its neighbours. Raises FleetError."""
    found = list(names)
    wrong = [name for name in found if not isinstance(name, str) or not _NAME.match(name)]
    if wrong:
        raise FleetError(
            [Problem("stops", f"{wrong[0]!r} is not the name of a virtual MTA", "Use the name without wildcards")]
        )
    return found


def write_stops(record: dict, declared: Iterable[str]) -> str:
    """The record with other declared stops; everything else in it, runtime stops above all, stays."""
    return (
        json.dumps({"version": 1, "runtime": [], **record, "declared": sorted(set(declared))}, indent=2, sort_keys=True)
        + "\n"
    )


def write_fleet(fleet: dict) -> str:
    return json.dumps(fleet, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


# Restoring -------------------------------------------------------------------------------------------------------------


class Saved(NamedTuple):
    """One file of the transaction. copy: where its last good bytes are, None if there was no such file."""

    target: str
    copy: str | None


def write_pending(files: Iterable[Saved]) -> str:
    """The marker, in a form that a shell reads line by line."""
    lines = [f"restore\t{file.copy}\t{file.target}" if file.copy else f"remove\t{file.target}" for file in files]
    return "\n".join(lines) + "\n"


def read_pending(text: str) -> list[Saved]:
    """Raises FleetError for a marker that is not whole: then nobody knows what to put back."""
    files = []
    for line in text.splitlines():
        words = line.split("\t")
        if words[0] == "restore" and len(words) == 3:
            files.append(Saved(words[2], words[1]))
        elif words[0] == "remove" and len(words) == 2:
            files.append(Saved(words[1], None))
        else:
            raise FleetError(
                [
                    Problem(
                        PENDING,
                        f"line {line[:80]!r} is not readable",
                        "Restore the files in last-good/ by hand, then remove it",
                    )
                ]
            )
    return files
