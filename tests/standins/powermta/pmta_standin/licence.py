# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The licence file: without it nothing starts."""

from __future__ import annotations

from .errors import ConfigError
from .paths import LICENCE, Paths


def read(paths: Paths) -> dict[str, str]:
    """``key: value`` lines; ``product: PowerMTA`` is required, ``outbound`` caps connections (default 200)."""
    try:
        with open(paths.real(LICENCE), encoding="utf-8") as source:
            lines = [line.strip() for line in source if line.strip() and not line.startswith("#")]
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"no valid licence: cannot read {LICENCE} ({problem})") from None
    fields = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    if fields.get("product") != "PowerMTA":
        raise ConfigError(f"no valid licence: {LICENCE} has no line 'product: PowerMTA'")
    if not fields.get("outbound", "200").isdigit():
        raise ConfigError(f"no valid licence: outbound is not a number in {LICENCE}")
    return fields
