# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of two transactions that wait for each other PostgreSQL ends one. Nothing of it happened, so its request is simply run again."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ATTEMPTS = 4


class Again:
    """A request whose handler set ``state.again`` has its answer thrown away, and is asked anew; the last attempt's answer stands."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        heard: list[Message] = []
        for left in reversed(range(ATTEMPTS)):
            attempt = _Attempt(scope, heard, receive, send, last=not left)
            try:
                await self.app(attempt.scope, attempt.hear, attempt.tell)
            finally:
                scope.update(attempt.scope)
            if not attempt.thrown_away:
                return


class _Attempt:
    """heard: what was received so far of the body, which is told again to each attempt."""

    def __init__(self, scope: Scope, heard: list[Message], receive: Receive, send: Send, last: bool):
        self.scope = {**scope, "state": {**scope["state"], "again": False}}
        self._heard, self._next, self._receive, self._send, self._last = heard, 0, receive, send, last
        self.thrown_away = False

    async def hear(self) -> Message:
        if self._next == len(self._heard):
            self._heard.append(await self._receive())
        self._next += 1
        return self._heard[self._next - 1]

    async def tell(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._last:
            self.thrown_away = self.scope["state"]["again"]
        if not self.thrown_away:
            await self._send(message)
