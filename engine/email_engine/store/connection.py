# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to PostgreSQL that wait for nothing for ever: neither for a free one, nor for a lock, nor for a server that hangs."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout
from sqlalchemy import Engine, create_engine, event

#: Seconds. The server ends a statement itself; only one that does not even do that is given up from here.
LOCK, STATEMENT, SILENCE = 6, 8, 10
_OPTIONS = (
    f"-c lock_timeout={LOCK}s -c statement_timeout={STATEMENT}s -c idle_in_transaction_session_timeout=60s"
    # Days and hours are those of UTC, whatever the server's are.
    " -c timezone=UTC"
)


class _Impatient(psycopg.Connection[Any]):
    """Gives up a server that is silent for `SILENCE` seconds, and the connection with it: what comes later would answer another question."""

    def wait(self, gen: Any, *args: Any, **more: Any) -> Any:
        more.setdefault("timeout", SILENCE)
        try:
            return super().wait(gen, *args, **more)
        except psycopg.errors._WaitTimeout as fault:
            self.pgconn.finish()
            raise ConnectionTimeout("the server is silent") from fault


def connect(url: str, connections: int) -> Engine:
    """An engine of at most so many *connections*; who finds none free waits for one as long as for a silent server."""
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=SILENCE,
        pool_pre_ping=True,
        # Parameters may be secrets, and faults are logged.
        hide_parameters=True,
    )

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, args: Any, options: dict[str, Any]) -> psycopg.Connection[Any]:
        return _Impatient.connect(*args, **{"connect_timeout": LOCK, "options": _OPTIONS, **options})

    return engine
