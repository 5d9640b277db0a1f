# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines that are kept, gathered by directive, and what becomes of a directive given more than once."""

from __future__ import annotations

import typing as t

from ..pmta_config import specs
from . import fates, stricter
from .read import Item
from .report import DROPPED, KEPT, REPLACED, Report


class Line(t.NamedTuple):
    """A line to keep. name: of the directive, lower case, in today's words; text: its arguments as source words; why: a remark."""

    item: Item
    name: str
    text: str
    why: str = ""
    translated: bool = False


class Bucket:
    """The lines of one place: a ``<domain>`` tag, the global level, a virtual MTA."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Line]] = {}

    def add(self, line: Line) -> None:
        self._lines.setdefault(line.name, []).append(line)

    def __bool__(self) -> bool:
        return bool(self._lines)

    def settled(self, report: Report) -> tuple[dict[str, tuple[str, ...]], list[Line]]:
        """directive -> values, and the lines they come from; what is given twice is reported as dropped."""
        values: dict[str, tuple[str, ...]] = {}
        counted: list[Line] = []
        for name, lines in self._lines.items():
            left = []
            for line in lines:
                same = next((one for one in left if one.text == line.text), None)
                if same:
                    report.add(line.item, DROPPED, "", f"the same as {_place(same)}")
                else:
                    left.append(line)
            if len(left) > 1 and name not in fates.REPEATED:
                chosen = stricter.combined(name, [(one.text,) for one in left]) if stricter.is_limit(name) else None
                winner = next((one for one in left if chosen and one.text == chosen[0]), left[-1])
                which = "the stricter" if chosen else "the last"
                for line in left:
                    if line is not winner:
                        report.add(
                            line.item,
                            DROPPED,
                            "",
                            f"{name} {winner.text} stands at {_place(winner)}: {which} of the two counts",
                        )
                left = [winner]
            values[name] = tuple(one.text for one in left)
            counted += left
        return values, counted


def kept(report: Report, lines: t.Iterable[Line], where: str, why: str = "") -> None:
    for line in lines:
        verdict = REPLACED if line.translated else KEPT
        report.add(line.item, verdict, f"{where}.{line.name}", "; ".join(filter(None, (line.why, why))))


def _place(line: Line) -> str:
    return f"{line.item.file}:{line.item.node.line}"


def value(name: str, text: str, section: str = "domain") -> t.Any:
    """Source words as the policy writes them: booleans and whole numbers as such."""
    spec = specs.by_section().get(section, {}).get(name)
    if spec and spec.row.value.startswith("boolean") and text.lower() in ("yes", "true", "no", "false"):
        return text.lower() in ("yes", "true")
    if text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") and len(text) < 16:
        return int(text)
    return text


def written(values: t.Mapping[str, t.Sequence[str]], section: str = "domain") -> dict[str, t.Any]:
    """directive -> value, or the list of its values."""
    return {
        name: value(name, listed[0], section) if len(listed) == 1 else [value(name, one, section) for one in listed]
        for name, listed in values.items()
    }
