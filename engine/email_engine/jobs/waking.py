# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever commits a new job wakes the workers of its lane. Without Redis they find it themselves, at their next look."""

from __future__ import annotations

import logging

from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from email_engine.store.jobs import WAKE

from . import celery

log = logging.getLogger(__name__)


def install(sessions: sessionmaker[Session], redis: str) -> None:
    """After each commit of these sessions that queued a job."""
    app = celery.make_app(redis, patient=False)

    @event.listens_for(sessions, "after_commit")
    def committed(session: Session) -> None:
        if session.in_nested_transaction():  # a savepoint's: nobody else sees the job yet
            return
        for lane in session.info.pop(WAKE, ()):
            try:
                celery.wake(app, lane)
            except Exception as fault:  # whatever the broker's client raises: the job is stored, and that counts
                log.warning("no wake-up for lane %s (%s): its worker looks by itself", lane, type(fault).__name__)
                return

    @event.listens_for(sessions, "after_rollback")
    def rolled_back(session: Session) -> None:
        if not session.in_nested_transaction():
            session.info.pop(WAKE, None)
