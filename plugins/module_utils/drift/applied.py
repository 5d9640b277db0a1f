# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files and records of the transactional apply, as they are found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .. import pmta_transaction as tx
from .difference import Difference, difference
from .files import compare_files

_EDITED = "Somebody edited this since it was applied. If the change is wanted, take it into the inventory or the policy; site.yml replaces it"
_MOVED = (
    "Nobody edited the file: the inventory, the policy or the collection changed since it was applied. Run site.yml"
)


class Applied(NamedTuple):
    """generation, sha256: what the first line says, 0 and "" without one. edited: since it was applied, None if nobody can know."""

    generation: int
    sha256: str
    edited: bool | None
    differences: list[Difference]


def judge_file(found: str | None, wanted: str, path: str) -> Applied:
    """The configuration file on disk against the wanted body."""
    if found is None:
        return Applied(0, "", None, [difference("file-missing", "the configuration", path, "a file", None)])
    header = tx.read_header(found)
    body = wanted if wanted.endswith("\n") or not wanted else wanted + "\n"
    edited = header.drifted if header.sha256 else None
    if header.body == body:
        damaged = [] if header.sha256 and not edited else [
            difference("file-header", "the record of what was applied", f"{path}:1", "generation and digest of the body", "another or none")
        ]  # fmt: skip
        return Applied(header.generation, header.sha256, False if header.sha256 else None, damaged)
    # The first line stands in for itself, so that line numbers are those of the file.
    above = "\n" * (found.count("\n") - header.body.count("\n"))
    remedy = {True: _EDITED, False: _MOVED}.get(edited)
    return Applied(header.generation, header.sha256, edited, compare_files(body, above + header.body, path, remedy))


def judge_secrets(found: str | None, wanted: str | None, path: str) -> list[Difference]:
    """Of this file only that it differs is told."""
    if wanted is None or (found or "") == wanted:
        return []
    if found is None:
        return [difference("secrets-missing", "the file with the passwords", path, "a file", None)]
    return [difference("secrets-differ", "the file with the passwords", path, "(not shown)", "(not shown)")]


def judge_stops(stops: tx.Stops, wanted: Iterable[str], path: str) -> list[Difference]:
    """Declared stops; those made at run time are a person's and no difference."""
    recorded, asked = {name.lower(): name for name in stops.declared}, {name.lower(): name for name in wanted}
    return [
        difference("stop-unrecorded", f"stop of {asked[name]}", path, "recorded", None) for name in sorted(asked.keys() - recorded)
    ] + [
        difference("stop-recorded", f"stop of {recorded[name]}", path, None, "recorded") for name in sorted(recorded.keys() - asked)
    ]  # fmt: skip


def judge_senders(found: Iterable[Mapping], wanted: Iterable[Mapping], path: str) -> list[Difference]:
    """The senders that were applied last, by virtual MTA, and which of their fields changed since."""
    old, new = {one.get("vmta"): one for one in found}, {one.get("vmta"): one for one in wanted}
    result = []
    for vmta in dict.fromkeys([*new, *old]):
        here, there = new.get(vmta), old.get(vmta)
        what = f"sender {(here or there).get('name')}"
        if here is None or there is None:
            result.append(difference("record-senders", what, path, _sign(here), _sign(there)))
        elif here != there:
            keys = sorted(key for key in {*here, *there} if here.get(key) != there.get(key))
            for key in keys:
                result.append(
                    difference("record-senders", f"{what}: {key}", path, str(here.get(key)), str(there.get(key)))
                )
    return result


def _sign(sender: Mapping | None) -> str | None:
    return None if sender is None else "recorded"
