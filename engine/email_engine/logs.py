# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs: one JSON object a line on stdout, which journald keeps. Whatever library writes, it is of this form and without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import structlog
from structlog.contextvars import bound_contextvars
from structlog.stdlib import ProcessorFormatter

from .redaction import Redactor, parts_of_address
from .settings import Settings

#: Loggers of libraries that bring handlers of their own.
_OWN_WAYS = ("uvicorn", "uvicorn.error", "celery", "celery.task", "celery.redirected", "sqlalchemy", "alembic")


def configure(settings: Settings, more: Iterable[str] = ()) -> None:
    """For the whole process. more: secrets beyond those of the settings."""
    redactor = Redactor([*_secrets(settings), *more])
    chain: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=chain,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                _without_colours,
                structlog.processors.format_exc_info,
                # Of the values, before they are escaped and after a traceback became a text.
                lambda _logger, _name, event: redactor.value(event),
                structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _OWN_WAYS:
        one = logging.getLogger(name)
        one.handlers[:] = []
        one.propagate = True
        one.setLevel(logging.NOTSET)
    # At INFO it tells every statement.
    logging.getLogger("sqlalchemy").setLevel(logging.INFO if root.level <= logging.DEBUG else logging.WARNING)
    # They tell the address of a message's receiver; what became of it is told by `alerting`.
    logging.getLogger("apprise").propagate = False
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    # It tells the address of each request, which may hold a recipient's.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    # `Requests` tells more of each request.
    logging.getLogger("uvicorn.access").disabled = True
    logging.captureWarnings(True)


def _without_colours(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    event.pop("color_message", None)  # uvicorn's message once more, for a terminal
    return event


def about(**known: Any) -> AbstractContextManager[None]:
    """Within it, every line of this task or thread says so: ``with about(job=...)``."""
    return bound_contextvars(**known)


def _secrets(settings: Settings) -> list[str]:
    whole = [one.get_secret_value() for one in (settings.key_pepper, settings.session_secret) if one is not None]
    parts = [urlsplit(one.get_secret_value()).password for one in (settings.database, settings.redis)]
    addresses = [part for url in settings.receivers() for part in parts_of_address(url)]
    return [*whole, *addresses, *(one for one in parts if one is not None)]
