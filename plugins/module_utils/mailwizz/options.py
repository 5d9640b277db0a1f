# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a MailWizz: text by name, some of it secret."""

from __future__ import annotations

import re
import typing as t

from ..problems import FleetError, Problem

_SECRET = re.compile(r"password|secret|purchase_code|license|api_key|token", re.I)
_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+){2,}", re.I)


def wanted(options: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Values as MailWizz stores them. Raises FleetError for names and values that it has no place for."""
    problems = []
    for name, value in options.items():
        where = f"options.{name}"
        if not _NAME.fullmatch(name):
            problems.append(Problem(where, "is no name of an option", "Write it as system.common.clean_urls."))
        if isinstance(value, bool):
            problems.append(
                Problem(where, f"is {value}, which is no text", "Write 'yes' or 'no' in quotes, or a number.")
            )
        elif not isinstance(value, (str, int, float)):
            problems.append(Problem(where, f"is a {type(value).__name__}", "Give a text or a number."))
    if problems:
        raise FleetError(problems)
    return {name: str(value) for name, value in options.items()}


def changes(wanted_: t.Mapping[str, str], found: t.Mapping[str, t.Any]) -> dict[str, str]:
    """What has to be set. found: None where MailWizz has no such row."""
    return {name: value for name, value in wanted_.items() if found.get(name) is None or _as_text(found[name]) != value}


def _as_text(value: t.Any) -> str:
    return str(value)


def diff(changed: t.Mapping[str, str], found: t.Mapping[str, t.Any]) -> dict:
    def lines(values: t.Mapping[str, t.Any]) -> str:
        return "".join(
            f"{name}={'(hidden)' if _SECRET.search(name) else values[name]}\n"
            for name in sorted(changed)
            if values.get(name) is not None
        )

    return {"before_header": "options", "after_header": "options", "before": lines(found), "after": lines(changed)}
