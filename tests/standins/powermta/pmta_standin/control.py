# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door between ``pmta`` and ``pmtad``: one JSON request and one JSON answer per connection of a unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
from collections.abc import Awaitable
from typing import Any, Callable

GROUP = "pmta"


async def serve(path: str, answer: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> asyncio.AbstractServer:
    """Members of the group pmta may speak."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            reply = await answer(json.loads(await reader.readline()))
        except Exception as problem:
            reply = {"ok": False, "text": f"Error: {type(problem).__name__}: {problem}", "data": {}}
        writer.write(json.dumps(reply).encode() + b"\n")
        await writer.drain()
        writer.close()

    if os.path.exists(path):
        if _alive(path):
            raise OSError("another pmtad is running")
        os.unlink(path)
    server = await asyncio.start_unix_server(talk, path)
    os.chmod(path, 0o660)
    with contextlib.suppress(LookupError, PermissionError):
        shutil.chown(path, group=GROUP)
    return server


def ask(path: str, request: dict[str, Any], timeout: float = 120.0) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(timeout)
        sock.connect(path)
        sock.sendall(json.dumps(request).encode() + b"\n")
        with sock.makefile("rb") as source:
            return json.loads(source.readline())


def _alive(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(path)
        except OSError:
            return False
    return True
