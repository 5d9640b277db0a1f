# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parser and the linter found at one place of a configuration."""

from __future__ import annotations

from typing import NamedTuple

ERROR = "error"
WARNING = "warning"


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
        return self._asdict()
