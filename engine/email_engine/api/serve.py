# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves the application: ``python -m email_engine.api.serve SOCKET [WORKERS]``. All it writes are the lines of `logs`."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI

from email_engine import logs, settings

from .app import create_app


def application() -> FastAPI:
    """What each worker process runs."""
    known = settings.load()
    logs.configure(known)
    return create_app(known)


def serve(path: str, workers: int = 1, factory: str = f"{__package__}.serve:application") -> None:
    """On the Unix socket *path* (``fd://3``: one that systemd holds), until told to end; requests under way are answered first.

    factory: ``module:function``.
    """
    logs.configure(settings.load())
    place: dict[str, Any] = {"fd": int(path.removeprefix("fd://"))} if path.startswith("fd://") else {"uds": path}
    uvicorn.run(
        factory,
        factory=True,
        # nginx alone reaches the socket, and says who asked.
        forwarded_allow_ips="*",
        **place,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=20,
        # A worker that is slow to start is not a dead one: to start it anew makes the machine slower still.
        timeout_worker_healthcheck=60,
    )


if __name__ == "__main__":
    serve(sys.argv[1], *(int(one) for one in sys.argv[2:3]))
