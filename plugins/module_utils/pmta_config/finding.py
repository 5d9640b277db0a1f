# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parser and the linter found at one place of a configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

ERROR = "error"
WARNING = "warning"
# report(rule, place, message, remedy=None, severity=None)
Report = Callable[..., None]


def encodable(text: str) -> str:
    """Bytes that were no UTF-8 travel as lone surrogates, which strict readers refuse: spelled out here."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Rule(NamedTuple):
    """severity: "error" or "warning"; explanation: why it matters; remedy: shown unless a finding brings a better one."""

    severity: str
    explanation: str
    remedy: str


class Finding(NamedTuple):
    """file, 1-based line and column; severity "error" (the MTA must not see it) or "warning"; rule name; what; what to do."""

    file: str
    line: int
    column: int
    severity: str
    rule: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity} {self.rule}: {self.message}. {self.remedy}"

    def as_dict(self) -> dict:
        """For JSON: every text is one that can be encoded."""
        return {key: encodable(value) if isinstance(value, str) else value for key, value in self._asdict().items()}


class Silenced(NamedTuple):
    """A finding that somebody decided to live with, and why."""

    finding: Finding
    reason: str
