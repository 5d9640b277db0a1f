# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of API requests are JSON, also where the client calls them a form, as `curl -d` does unasked.

No browser is let in by that: a request is its API key's, which no form can send.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

_UNASKED = b"application/x-www-form-urlencoded"


class Bodies:
    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            # In the scope itself, not in a copy: logs and metrics read in it afterwards which route was taken.
            scope["headers"] = [
                (name, b"application/json" if name == b"content-type" and value.startswith(_UNASKED) else value)
                for name, value in scope["headers"]
            ]
        await self.app(scope, receive, send)
