# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rate windows. A window begins when it is first used and is forgotten at a reload: the harsher reading of ``N/d``."""

from __future__ import annotations

import time
from collections.abc import Hashable
from typing import Any

from .values import Rate


class Windows:
    """Fixed windows by key. ``unlimited``, None and a bare ``0`` never refuse: nobody says that 0 means "stop"."""

    def __init__(self) -> None:
        self._used: dict[Hashable, tuple[float, int]] = {}

    def clear(self) -> None:
        self._used.clear()

    def room(self, key: Hashable, rate: Any) -> bool:
        if not isinstance(rate, Rate):
            return True
        start, used = self._used.get(key, (0.0, 0))
        return time.monotonic() - start >= rate.seconds or used < rate.count

    def take(self, key: Hashable, rate: Any) -> None:
        if not isinstance(rate, Rate):
            return
        now = time.monotonic()
        start, used = self._used.get(key, (0.0, 0))
        if key not in self._used or now - start >= rate.seconds:
            start, used = now, 0
        self._used[key] = (start, used + 1)
