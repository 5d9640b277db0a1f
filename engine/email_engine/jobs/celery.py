# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Celery carries one message: there is work in a lane. It may be lost, doubled or late; what the work is stands in PostgreSQL."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from celery import Celery

WAKE = "email_engine.wake"


def queue(lane: str) -> str:
    return f"email-engine.{lane}"


def broker(redis: str) -> str:
    """Celery's spelling of a URL of redis-py, which differs for Unix sockets."""
    parts = urlsplit(redis)
    if parts.scheme != "unix":
        return redis
    login, at, _ = parts.netloc.rpartition("@")
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{login}{at}{parts.path}?virtual_host={database}"


def make_app(redis: str, *, patient: bool) -> Celery:
    """patient: a worker waits for its Redis; whoever only sends gives it half a second."""
    app = Celery("email_engine", broker=broker(redis), set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_prefetch_multiplier=1,
    )
    if not patient:
        short = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "max_retries": 0, "retry_on_timeout": False}
        app.conf.update(broker_transport_options=short, broker_connection_timeout=0.5)
    return app


def wake(app: Celery, lane: str) -> None:
    """Raises what the broker's client raises, when Redis is away."""
    # What nobody took for a minute tells nothing that a worker does not find out by itself.
    app.send_task(WAKE, queue=queue(lane), expires=60, retry=False, ignore_result=True)
