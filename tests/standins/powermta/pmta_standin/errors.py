# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways a configuration can be wrong, in the product's words."""

from __future__ import annotations


class ConfigError(Exception):
    """Wording of the product: ``Error in line 11 of /etc/pmta/config: argument missing``."""

    def __init__(self, message: str, path: str = "", line: int = 0) -> None:
        self.message, self.path, self.line = message, path, line
        super().__init__(str(self))

    def __str__(self) -> str:
        if not self.path:
            return f"Error: {self.message}"
        where = f"line {self.line} of {self.path}" if self.line else self.path
        return f"Error in {where}: {self.message}"


class ValueRefused(ValueError):
    """A value has the wrong shape; the parser turns it into a ConfigError with its place."""
