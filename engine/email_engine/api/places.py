# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places at the database, as many as there are connections. Who finds none waits here and holds no thread meanwhile: were all threads
taken by those who wait for a connection, those who have one would get no thread to go on with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from .errors import Refusal


class Places:
    """seconds: how long somebody waits at most."""

    def __init__(self, count: int, seconds: float):
        self._count, self._seconds = count, seconds
        # An event loop has its own; a server has one loop, tests have one for each client.
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """First come, first served. Raises Refusal after waiting in vain."""
        places = self._of_loop.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._count))
        try:
            async with asyncio.timeout(self._seconds):
                await places.acquire()
        except TimeoutError:
            detail = f"too many requests are under way: none ended in {self._seconds:g} s; try again"
            raise Refusal(503, "The engine cannot work now", detail, {"Retry-After": "5"}) from None
        try:
            yield
        finally:
            places.release()
